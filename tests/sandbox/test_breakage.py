"""Clouds that refuse, fail, lie or lose an answer: the right step fails, what follows from it is
blocked and names it, everything else is done, and the next replay goes on from there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import RECIPES, Json, Ran, Sandbox, amlwizard, replaying, running
from support.breakage import closure, failed

QUICKSTART = str(RECIPES / "quickstart.yaml")
PROVISION = ("--until", "provision")


@pytest.fixture(scope="module")
def empty() -> Iterator[tuple[Sandbox, Json]]:
    """A cloud in which nothing was built yet, and its state then."""
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox, sandbox.state


@pytest.fixture
def cloud(empty: tuple[Sandbox, Json]) -> Iterator[Sandbox]:
    """A cloud in which nothing is built and broken, whatever earlier tests did."""
    sandbox, state = empty
    yield sandbox
    sandbox.clear()
    sandbox.control("state", state, "PUT")
    sandbox.control("approval", {"approve": True})
    sandbox.control("code-life", {"seconds": 900})


@pytest.fixture
def replay(tmp_path: Path) -> Callable[..., Ran]:
    def run(sandbox: Sandbox, *options: str, **environment: str) -> Ran:
        return amlwizard(
            "replay", QUICKSTART, "--target", "sandbox", "--json", *options,
            **{"AMLWIZARD_HOME": str(tmp_path), **sandbox.environment, **environment},
        )  # fmt: skip

    return run


Replay = Callable[..., Ran]
VNET = r".*/virtualNetworks/vnet-mlquick01"


def test_what_azure_lets_through_but_did_not_make_as_asked_is_seen(
    cloud: Sandbox, replay: Replay
) -> None:
    """Here an overlap, and a delegation that is lost."""
    other = {
        "properties.subnets.1.properties.addressPrefix": "10.100.100.0/24",
        "properties.subnets.4.properties.delegations": [],
    }
    cloud.fault(f"GET {VNET}", edit=other)
    before = cloud.received("PUT .*managedClusters.*")
    ran = replay(cloud, *PROVISION)
    final = failed(ran, "vnet")
    assert "not as it was asked for" in final["what"]
    assert "'10.100.100.0/24' -> '10.100.110.0/24'" in final["why"]
    assert "delegations.0: missing" in final["why"]
    assert ran.outcomes["storage"] == ran.outcomes["aks-identity"] == "done"
    assert cloud.received("PUT .*managedClusters.*") == before


def test_databricks_refuses_a_subnet_without_delegation(cloud: Sandbox, tmp_path: Path) -> None:
    """Somebody takes it away between the VNET and Databricks."""
    cloud.gate("PUT .*/Microsoft.Databricks/workspaces/.*")
    options = (QUICKSTART, "--target", "sandbox", *PROVISION)
    with replaying(*options, AMLWIZARD_HOME=str(tmp_path), **cloud.environment) as run:
        run.until("step-started", "databricks")
        resources = cloud.state["resources"]
        vnet = next(
            r for r in resources.values() if r["type"] == "Microsoft.Network/virtualNetworks"
        )
        vnet["properties"]["subnets"][3]["properties"]["delegations"] = []
        cloud.change(resources={vnet["id"].lower(): vnet})
        cloud.clear()
        ran = run.end()
    final = failed(ran, "databricks")
    assert final["code"] == "SubnetMissingRequiredDelegation"
    assert "Delegate the subnet" in final["fix"]
    assert ran.outcomes["aks"] == "done"
    again = amlwizard(
        "replay", *options, "--json", AMLWIZARD_HOME=str(tmp_path), **cloud.environment
    )
    assert again.code == 0 and again.of("step-started", "vnet")[0]["action"] == "update"


def test_a_token_for_another_audience_is_a_failed_sign_in(cloud: Sandbox, replay: Replay) -> None:
    wrong = cloud.cloud().access_token("ml").reveal()
    cloud.fault("POST .*/oauth2/v2.0/token", edit={"access_token": wrong})
    ran = replay(cloud)
    final = failed(ran, "sign-in", code=3)
    assert "InvalidAuthenticationTokenAudience" in final["why"]
    assert wrong not in ran.out + ran.err


def test_databricks_takes_no_token_of_arm(cloud: Sandbox, replay: Replay) -> None:
    wrong = cloud.cloud().access_token("arm").reveal()
    cloud.fault("POST .*/oauth2/v2.0/token", edit={"access_token": wrong})
    final = failed(replay(cloud, *PROVISION), "databricks-cluster", 3)
    assert final["code"] == "UNAUTHENTICATED"


def test_two_failures_each_block_what_is_theirs(cloud: Sandbox, replay: Replay) -> None:
    cloud.change(taken=["Microsoft.Storage/storageAccounts/stmlquick01"], limits={"cores": 8})
    ran = replay(cloud, *PROVISION, "--ignore", "all")
    assert ran.code == 1 and ran.that_are("failed") == {"storage", "aks"}
    assert ran.final("storage")["code"] == "StorageAccountAlreadyTaken"
    refused = ran.final("aks")
    assert refused["code"] == "ErrCode_InsufficientVCPUQuota" and "quota" in refused["fix"]
    blocked = ran.that_are("blocked")
    assert blocked == closure(ran, "storage", "aks")
    assert ran.that_are("done") == set(ran.outcomes) - blocked - {"storage", "aks"}
    assert ran.outcomes["databricks-cluster"] == "done"
    assert {ran.final(s)["because"] for s in blocked} == {"storage", "aks"}
    assert ran.final("workspace")["because"] == "storage"
    assert ran.final("aks-extension")["because"] == "aks"


def test_a_right_that_is_missing_is_named(cloud: Sandbox, replay: Replay) -> None:
    cloud.change(denied=["Microsoft.Authorization/*/write"])
    ran = replay(cloud, *PROVISION, "--ignore", "all")
    assert ran.code == 1
    final = ran.final("aks-role")
    assert final["code"] == "AuthorizationFailed"
    assert "Microsoft.Authorization/roleAssignments/write" in final["why"]


# -- signing in


@pytest.fixture
def unapproved(cloud: Sandbox) -> Sandbox:
    cloud.control("approval", {"approve": False})
    cloud.control("plant", {"user_code": "KNOWN1234"})
    return cloud


def test_a_declined_sign_in_ends_with_3(unapproved: Sandbox, tmp_path: Path) -> None:
    options, before = (QUICKSTART, "--target", "sandbox"), unapproved.received("PUT .*")
    with replaying(*options, AMLWIZARD_HOME=str(tmp_path), **unapproved.environment) as run:
        run.until("login-needed")
        unapproved.control("approve", {"user_code": "KNOWN1234", "state": "declined"})
        ran = run.end()
    assert "declined" in failed(ran, "sign-in", code=3)["why"]
    assert unapproved.received("PUT .*") == before
    assert "get_token" not in ran.err


def test_a_sign_in_that_nobody_answers_ends_with_3(unapproved: Sandbox, replay: Replay) -> None:
    unapproved.control("code-life", {"seconds": 1})
    ran = replay(unapproved)
    assert "expired" in failed(ran, "sign-in", code=3)["why"]


def test_a_wrong_client_secret_ends_with_3(cloud: Sandbox, replay: Replay) -> None:
    cloud.control("plant", {"principal": {"client_id": "11111111-2222-3333-4444-555555555555",
                                          "secret": "right"}})  # fmt: skip
    ran = replay(
        cloud, "--set", "sign_in.login=environment",
        AZURE_CLIENT_ID="11111111-2222-3333-4444-555555555555",
        AZURE_CLIENT_SECRET="wrong-and-hidden", AZURE_TENANT_ID="organizations",
    )  # fmt: skip
    failed(ran, "sign-in", code=3)
    assert "wrong-and-hidden" not in ran.out + ran.err


def test_a_subscription_that_must_be_chosen_ends_with_2(cloud: Sandbox, replay: Replay) -> None:
    other = "99999999-2222-3333-4444-555555555555"
    cloud.control("plant", {"subscription": other})
    final = failed(replay(cloud), "sign-in", code=2)
    assert other in final["fix"] and "sign_in.subscription" in final["fix"]


# -- passing failures


@dataclass
class Disturbed:
    """One replay during which Azure throttles, fails for a moment and loses answers, but refuses nothing."""

    ran: Ran
    sandbox: Sandbox

    def requests(self, pattern: str) -> int:
        return sum(re.fullmatch(pattern, call) is not None for call in self.sandbox.calls)


BUSY = {"status": 409, "code": "AnotherOperationInProgress", "message": "Another operation is."}
CREATED = "POST .*/clusters/create"
DISTURBANCES: dict[str, dict[str, Any]] = {
    "PUT .*/resourceGroups/[^/]+": {"status": 429, "headers": {"Retry-After": "1"}, "times": 1},
    "GET .*/storageAccounts/[^/]+": {"status": 503, "times": 1},
    f"PUT {VNET}": {**BUSY, "times": 2},
    "PUT .*/Microsoft.KeyVault/vaults/[^/]+": {"status": 500, "mode": "after", "times": 1},
    "PUT .*/registries/[^/]+": {"mode": "cut", "times": 1},
    "PUT .*/managedClusters/[^/]+": {"mode": "drop", "times": 1},
    "PUT .*/Microsoft.Databricks/workspaces/[^/]+": {"mode": "cut", "times": 1},
    "GET .*/operationStatuses/.*": {"status": 503, "times": 1},
    CREATED: {"mode": "drop", "times": 1},
    "POST .*/libraries/install": {"status": 429, "headers": {"Retry-After": "1"}, "times": 1},
}


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disturbed]:
    with running("--approve", "--clock", "instant") as cloud:
        for match, what in DISTURBANCES.items():
            cloud.fault(match, **what)
        home = {"AMLWIZARD_HOME": str(tmp_path_factory.mktemp("disturbed"))}
        options = (QUICKSTART, "--target", "sandbox", "--json", *PROVISION)
        yield Disturbed(amlwizard("replay", *options, **home, **cloud.environment), cloud)


pytestmark = pytest.mark.xdist_group("breakage")


def test_throttling_errors_and_lost_answers_only_delay_a_run(disturbed: Disturbed) -> None:
    assert disturbed.ran.code == 0, disturbed.ran.err
    assert set(disturbed.ran.outcomes.values()) == {"done"}


@pytest.mark.parametrize("match", [match for match in DISTURBANCES if match != CREATED])
def test_what_was_throttled_or_lost_is_asked_again(disturbed: Disturbed, match: str) -> None:
    assert disturbed.requests(match) > DISTURBANCES[match]["times"]


def test_waiting_for_another_operation_is_said(disturbed: Disturbed) -> None:
    said = [e["message"] for e in disturbed.ran.of("step-progress", "vnet")]
    assert said.count("AnotherOperationInProgress: trying again") == 2


def test_a_lost_answer_makes_nothing_twice(disturbed: Disturbed) -> None:
    """The cluster is looked for, and not asked for again: it would run on beside the second."""
    [workspace] = disturbed.sandbox.state["databricks"].values()
    assert disturbed.requests(CREATED) == 1
    assert list(workspace["clusters"]) == [
        disturbed.ran.final("databricks-cluster")["outputs"]["id"]
    ]


def test_a_cluster_whose_answer_broke_off_is_found(disturbed: Disturbed, replay: Replay) -> None:
    """All but the cluster is there already."""
    there, state = disturbed.sandbox, disturbed.sandbox.state
    [workspace] = state["databricks"].values()
    workspace["clusters"] = {}
    there.control("state", state, "PUT")
    there.fault(CREATED, mode="cut", times=1)
    ran = replay(there, *PROVISION)
    assert ran.code == 0, ran.err
    [workspace] = there.state["databricks"].values()
    assert list(workspace["clusters"]) == [ran.final("databricks-cluster")["outputs"]["id"]]


def test_where_nothing_is_trained_no_mlflow_server_runs(disturbed: Disturbed) -> None:
    """It takes seconds of processor time. What is registered can be listed all the same: nothing."""
    there, workspace = disturbed.sandbox, disturbed.ran.final("workspace")["outputs"]["id"]
    assert there.cloud().ml(workspace).model_versions("diabetes-ridge") == []
    folder = Path(there.description["ca"]).parent
    assert not list(folder.glob("mlflow/*"))


# -- the effect happened, the answer never came, the replay ended


def test_what_was_built_unseen_is_found_by_the_next_replay(cloud: Sandbox, replay: Replay) -> None:
    cloud.fault("PUT .*/managedClusters/[^/]+", mode="cut")
    final = failed(replay(cloud, *PROVISION), "aks")
    assert "no answer" in final["what"]
    cloud.clear()
    again = replay(cloud, *PROVISION)
    assert again.code == 0 and again.outcomes["aks"] == "kept"
    assert again.outcomes["databricks-cluster"] == "kept"
    assert again.outcomes["aks-extension"] == "done"
