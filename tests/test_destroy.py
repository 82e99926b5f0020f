"""Teardown: what goes, in which order, and what is left."""

from __future__ import annotations

import copy
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pexpect
import pytest
from platforms import guest_in
from support import RECIPES, ROOT, Ran, Sandbox, recipe_of, running

from amlwizard.cli import main
from amlwizard.errors import CloudError
from amlwizard.plan import in_order
from amlwizard.steps import steps_for
from amlwizard.teardown import teardown

pytestmark = pytest.mark.xdist_group("destroy")
QUICKSTART = str(RECIPES / "quickstart.yaml")
TAG = {"amlwizard": "mlquick01"}
GROUP, GROUP_STEP = "rg-mlquick01", "resource-group"


class Platform:
    """A sandbox with the whole platform in it, set back to that before every test."""

    def __init__(self, sandbox: Sandbox, state: dict[str, Any]) -> None:
        self.sandbox, self._state = sandbox, state
        self.arm = sandbox.cloud().arm
        self.group = f"/subscriptions/{self.arm.subscription}/resourceGroups/{GROUP}"

    def reset(self) -> None:
        self.sandbox.control("state", self._state, "PUT")
        self.sandbox.control("faults", method="DELETE")

    def change(self, what: Callable[[dict[str, Any]], Any]) -> None:
        state = self.state
        what(state)
        self.sandbox.control("state", state, "PUT")

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.sandbox.control("state", method="GET"))

    @property
    def resources(self) -> dict[str, Any]:
        return dict(self.state["resources"])

    def calls(self, since: int = 0) -> list[str]:
        return list(self.sandbox.control("requests", method="GET")["calls"])[since:]

    def id(self, kind: str, name: str, group: str = GROUP) -> str:
        return f"{self.group.removesuffix(GROUP)}{group}/providers/{kind}/{name}"

    def put(self, resource_id: str, version: str, **body: Any) -> None:
        self.arm.put(resource_id, version, body, lambda *_, **__: None, Flag())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch, running("--approve", "--clock", "instant") as box:
        patch.setenv("AMLWIZARD_SANDBOX", str(box.file))
        patch.setenv("AMLWIZARD_HOME", str(tmp_path_factory.mktemp("home")))
        assert main(["replay", QUICKSTART, "--target", "sandbox", "--until", "provision"]) == 0
        yield Platform(box, copy.deepcopy(box.control("state", method="GET")))


@pytest.fixture
def platform(made: Platform) -> Platform:
    made.reset()
    return made


@pytest.fixture
def destroy(platform: Platform, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*options: str, command: str = "destroy") -> Ran:
        capsys.readouterr()
        code = main([command, QUICKSTART, "--target", "sandbox", *options])
        return Ran(code, *capsys.readouterr())

    return run


# -- the graph


@pytest.mark.parametrize("name", ["quickstart", "article", "private"])
@pytest.mark.parametrize("purge", [False, True])
def test_every_use_goes_before_what_it_uses(name: str, purge: bool) -> None:
    recipe = recipe_of(name)
    forward = {step.id: step for step in steps_for(recipe)}
    order = [step.id for step in in_order(teardown(recipe, purge=purge))]
    assert order[0] == "sign-in"
    going = [id for id in order if id in forward and id != "sign-in"]
    assert {id for id, step in forward.items() if step.resource} - set(going) == {"traffic"}
    for id in going:
        for used in forward[id].after:
            assert used not in going or order.index(id) < order.index(used)
    assert {"bastion", "entry-ip", "vpn-gateway", "private-endpoint.registry"} <= set(order)
    assert (
        order.index("vpn-gateway") < order.index("entry-ip.vpn-gateway") < order.index(GROUP_STEP)
    )
    assert order[-1] == GROUP_STEP


# -- what goes


def test_all_of_it_goes_in_the_order_that_azure_allows(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    ran = destroy("--yes", "--json")
    assert ran.code == 0
    assert platform.resources == {}
    finals = [e["step"] for e in ran.events if e["kind"] == "step-finished"]
    assert len(finals) == len(set(finals)) == len(ran.events[0]["steps"])
    assert {e["outcome"] for e in ran.events if e["kind"] == "step-finished"} == {"done", "kept"}
    at = {e["step"]: e["seq"] for e in ran.events if e["kind"] == "step-finished"}
    began = {e["step"]: e["seq"] for e in ran.events if e["kind"] == "step-started"}
    for step in steps_for(recipe_of("quickstart")):
        for used in step.after:
            if step.id in began and used in began and used != "sign-in":
                assert at[step.id] < began[used], f"{step.id} before {used}"
    kept = set(platform.state["deleted"])
    assert kept == {
        "vaults/kv-mlquick01",
        f"workspaces/{platform.arm.subscription}/{GROUP}/mlw-mlquick01",
    }
    assert "soft-deleted" in ran.err and platform.sandbox.unknown == []


def test_what_is_gone_already_is_kept(destroy: Callable[..., Ran]) -> None:
    assert destroy("--yes").code == 0
    again = destroy("--yes", "--json")
    outcomes = {e["outcome"] for e in again.events if e["kind"] == "step-finished"}
    assert again.code == 0 and outcomes == {"done", "kept"}
    assert [e["step"] for e in again.events if e["kind"] == "step-started"] == ["sign-in"]


def test_after_a_purge_the_names_are_free(platform: Platform, destroy: Callable[..., Ran]) -> None:
    ran = destroy("--purge", "--yes", "--json")
    assert ran.code == 0 and platform.state["deleted"] == {}
    assert ran.final("key-vault.purge")["outcome"] == "done"
    assert destroy("--until", "provision", command="replay").code == 0


def test_without_a_purge_azure_keeps_names_and_the_message_says_the_cure(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    assert destroy("--yes").code == 0
    again = ("--until", "provision", "--json", "--ignore", "all")
    ran = destroy(*again, command="replay")
    refused = ran.final("key-vault")
    assert (ran.code, refused["code"]) == (1, "ConflictError")
    assert "destroy RECIPE --target TARGET --purge" in refused["fix"]
    assert ran.final("workspace")["because"] == "key-vault"

    platform.change(lambda state: state["deleted"].pop("vaults/kv-mlquick01"))
    ran = destroy(*again, command="replay")
    refused = ran.final("workspace")
    assert ran.code == 1 and "Soft-deleted workspace exists" in refused["why"]
    assert "destroy RECIPE --target TARGET --purge" in refused["fix"]

    ran = destroy("--purge", "--yes", "--json")
    assert ran.code == 0 and ran.final("workspace")["outcome"] == "done"
    assert destroy("--until", "provision", command="replay").code == 0


def test_purge_protection_is_said_and_the_rest_goes_on(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    vault = platform.id("Microsoft.KeyVault/vaults", "kv-mlquick01").lower()

    def protect(state: dict[str, Any]) -> None:
        state["resources"][vault]["properties"]["enablePurgeProtection"] = True

    platform.change(protect)
    shown = destroy("--purge", "--dry-run")
    assert "purge protection keeps its name for 90 days" in " ".join(shown.out.split())
    ran = destroy("--purge", "--yes", "--json")
    word = ran.final("key-vault.purge")
    until = platform.state["deleted"]["vaults/kv-mlquick01"]["properties"]["scheduledPurgeDate"]
    assert ran.code == 1 and word["outcome"] == "failed"
    assert "kv-mlquick01" in word["what"] and until[:10] in word["what"]
    assert "purge protection" in word["why"] and platform.resources == {}


def test_a_deployment_loses_its_traffic_first(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    workspace = platform.id("Microsoft.MachineLearningServices/workspaces", "mlw-mlquick01")
    endpoint = f"{workspace}/onlineEndpoints/mle-mlquick01"
    version = "2025-09-01"
    properties = {"authMode": "Key", "compute": f"{workspace}/computes/aks-inference"}
    platform.put(endpoint, version, location="westeurope", tags=TAG, properties=properties)
    deployment = {
        "id": f"{endpoint}/deployments/ridge", "name": "ridge", "location": "westeurope",
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "tags": TAG, "properties": {"provisioningState": "Succeeded"},
    }  # fmt: skip

    def deploy(state: dict[str, Any]) -> None:
        state["resources"][deployment["id"].lower()] = deployment
        state["resources"][endpoint.lower()]["properties"]["traffic"] = {"ridge": 100}

    platform.change(deploy)
    with pytest.raises(CloudError, match="DELETE") as refused:
        platform.arm.send("DELETE", deployment["id"], version)
    assert "100% of the live traffic" in refused.value.why
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and ran.final("deployment")["outcome"] == "done"
    assert platform.resources == {}


# -- what is left


def test_what_lacks_the_tag_is_left_and_named(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    storage = platform.id("Microsoft.Storage/storageAccounts", "stmlquick01")
    stranger = platform.id("Microsoft.Storage/storageAccounts", "stofothers")
    platform.put(
        stranger,
        "2025-01-01",
        location="westeurope",
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
    )
    platform.change(lambda s: s["resources"][storage.lower()].update(tags={"team": "others"}))
    shown = destroy("--dry-run")
    assert "stofothers" in shown.out and "does not carry the tag" in shown.out
    ran = destroy("--yes", "--json")
    assert ran.code == 0
    assert ran.final("storage")["outcome"] == "kept" and "tag" in ran.final("storage")["what"]
    assert "stofothers" in ran.final("resource-group")["what"]
    assert set(platform.resources) == {storage.lower(), stranger.lower(), platform.group.lower()}
    assert "stofothers" in ran.err


def test_a_replay_never_tags_what_others_made(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    platform.change(lambda s: s["resources"][platform.group.lower()].update(tags={"team": "us"}))
    assert destroy("--until", "provision", command="replay").code == 0
    assert platform.resources[platform.group.lower()]["tags"] == {"team": "us"}
    assert destroy("--yes").code == 0
    assert set(platform.resources) == {platform.group.lower()}


def test_children_belong_to_their_parent(platform: Platform, destroy: Callable[..., Ran]) -> None:
    cluster = platform.id("Microsoft.ContainerService/managedClusters", "aks-mlquick01").lower()
    platform.change(lambda s: s["resources"][cluster].update(tags={}))
    ran = destroy("--yes", "--json")
    for step in ("aks", "aks-extension"):
        assert ran.final(step)["outcome"] == "kept" and "tag" in ran.final(step)["what"]
    assert ran.final("vnet")["code"] == "InUseSubnetCannotBeDeleted"
    assert ran.final("nat-gateway")["because"] == "vnet" and ran.code == 1


def test_what_an_earlier_version_of_the_recipe_made_goes_too(
    platform: Platform, destroy: Callable[..., Ran], tmp_path: Path
) -> None:
    changed = tmp_path / "changed.yaml"
    recipe = Path(QUICKSTART).read_text()
    changed.write_text(recipe.replace("key_vault: private-endpoint", "key_vault: service-endpoint"))
    assert main(["destroy", str(changed), "--target", "sandbox", "--yes"]) == 0
    assert platform.resources == {}


def test_a_lock_fails_its_step_and_names_itself(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    insights = platform.id("Microsoft.Insights/components", "appi-mlquick01")
    lock = f"{insights}/providers/Microsoft.Authorization/locks/hold"
    platform.put(lock, "2020-05-01", properties={"level": "CanNotDelete"})
    ran = destroy("--yes", "--json")
    word = ran.final("application-insights")
    assert (ran.code, word["outcome"], word["code"]) == (1, "failed", "ScopeLocked")
    assert insights in word["why"] and "lock" in word["fix"]
    assert ran.final("log-analytics")["because"] == "application-insights"
    assert ran.final("resource-group")["because"] == "application-insights"
    assert ran.final("vnet")["outcome"] == "done"
    platform.arm.send("DELETE", lock, "2020-05-01")
    assert destroy("--yes").code == 0 and platform.resources == {}


def test_a_guest_in_the_subnet_is_named(platform: Platform, destroy: Callable[..., Ran]) -> None:
    guest = guest_in(platform.arm, platform.group)
    ran = destroy("--yes", "--json")
    word = ran.final("vnet")
    assert (ran.code, word["code"]) == (1, "InUseSubnetCannotBeDeleted")
    assert guest in word["why"]
    assert {
        ran.final(s)["because"] for s in ("nsg.workspace", "nat-gateway", "resource-group")
    } == {"vnet"}


def test_a_service_that_lets_go_late_is_waited_for(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    platform.sandbox.fault(
        r"DELETE .*/virtualNetworks/[^/]+", status=400, code="InUseSubnetCannotBeDeleted", times=2
    )
    platform.sandbox.fault(
        r"DELETE .*/privateDnsZones/privatelink.azurecr.io", status=409, times=1,
        code="CannotDeleteResource",
    )  # fmt: skip
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and platform.resources == {}
    assert "InUseSubnetCannotBeDeleted: trying again" in ran.out


# -- asking


def test_nobody_to_ask_is_exit_2_before_any_call(
    platform: Platform, destroy: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    before = len(platform.calls())
    ran = destroy()
    assert ran.code == 2 and "--yes" in ran.err and platform.calls(before) == []


def test_a_dry_run_shows_names_and_order_and_deletes_nothing(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    before = len(platform.calls())
    shown = destroy("--dry-run")
    assert shown.code == 0
    for name in ("kv-mlquick01", "mlw-mlquick01", "dbw-mlquick01", "aks-mlquick01", GROUP):
        assert name in shown.out
    rows = [line.split()[1] for line in shown.out.splitlines() if line.startswith("delete")]
    assert rows.index("aks") < rows.index("vnet") < rows.index("nsg.scoring")
    assert rows[-1] == "resource-group"
    assert "keeps its name for 90 days" in shown.out and "46 to remove" in shown.out
    plan = json.loads(destroy("--dry-run", "--json").out)
    assert {step["action"] for step in plan["steps"]} == {"run", "delete", "keep"}
    assert {call.split()[0] for call in platform.calls(before)} == {"GET", "POST"}


@pytest.mark.parametrize(("typed", "code"), [(GROUP, 0), ("rg-else", 130), ("", 130)])
def test_on_a_terminal_the_name_of_the_group_is_asked_for(
    platform: Platform, typed: str, code: int
) -> None:
    command = ["-m", "amlwizard", "destroy", QUICKSTART, "--target", "sandbox"]
    terminal = pexpect.spawn(
        sys.executable, command, cwd=str(ROOT), dimensions=(40, 120), encoding="utf-8", timeout=60
    )
    terminal.expect_exact("to remove all of this: ")
    terminal.sendline(typed)
    terminal.expect(pexpect.EOF)
    shown = terminal.before
    terminal.close()
    assert terminal.exitstatus == code, shown
    assert (platform.resources == {}) == (code == 0)
    assert ("46 removed" if code == 0 else "Nothing was removed") in shown


def test_killed_and_run_again_it_goes_on(platform: Platform, destroy: Callable[..., Ran]) -> None:
    platform.sandbox.fault(r"DELETE .*/managedClusters/[^/]+", mode="hang")
    process = subprocess.Popen(
        [sys.executable, "-m", "amlwizard", "destroy", QUICKSTART, "--target", "sandbox", "--yes",
         "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event["kind"] == "step-started" and event["step"] == "aks":
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    platform.sandbox.control("faults", method="DELETE")
    assert platform.resources
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and platform.resources == {}
    assert ran.final("kubernetes-compute")["outcome"] == "kept"
    assert ran.final("aks")["outcome"] == "done"


def test_a_deletion_under_way_is_waited_for(
    platform: Platform, destroy: Callable[..., Ran]
) -> None:
    cluster = platform.id("Microsoft.ContainerService/managedClusters", "aks-mlquick01").lower()

    def going(state: dict[str, Any]) -> None:
        state["resources"][cluster]["properties"]["provisioningState"] = "Deleting"
        state["operations"]["11111111-1111-1111-1111-111111111111"] = {
            "resource": cluster, "verb": "delete", "started": 0, "seconds": 1, "polls": 0,
            "status": "InProgress", "error": None,
        }  # fmt: skip

    platform.change(going)
    before = len(platform.calls())
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and platform.resources == {}
    assert ran.final("aks")["outcome"] in ("done", "kept")
    assert f"delete {cluster}" not in [call.lower() for call in platform.calls(before)]


def test_journals_of_teardowns_stand_apart(platform: Platform, destroy: Callable[..., Ran]) -> None:
    home = Path(os.environ["AMLWIZARD_HOME"])
    before = set((home / "runs").iterdir())
    assert destroy("--yes").code == 0
    assert set((home / "runs").iterdir()) == before
    assert any((home / "teardowns").glob("*/journal.jsonl"))
