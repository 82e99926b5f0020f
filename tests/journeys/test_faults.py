"""What a network or a cloud may do to any request, a run survives, and makes nothing twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from support import RECIPES, Json, Sandbox, amlwizard, running
from support.faults import FAULTS, HTML

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("faults")]
TARGET = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--until", "provision", "--json")
CALLS = {
    "a token": "POST .*/oauth2/v2.0/token",
    "the subscriptions": "GET /subscriptions",
    "a resource": "GET .*/virtualNetworks/.*",
    "a list": "GET .*/deletedVaults",
    "a name": "POST .*/Microsoft.Storage/checkNameAvailability",
    "policies": "GET .*/policyAssignments",
    "a policy": "POST .*/checkPolicyRestrictions",
    "a network": "PUT .*/virtualNetworks/.*",
    "an account": "PUT .*/storageAccounts/[^/]*",
    "an operation": "GET .*/operationStatuses/.*",
    "clusters": "GET /api/2.1/clusters/list",
    "a cluster": "POST /api/2.1/clusters/create",
    "its state": "GET /api/2.1/clusters/get",
    "libraries": "GET /api/2.0/libraries/cluster-status",
    "an installation": "POST /api/2.0/libraries/install",
}
NUMBER = count(100)
MIXTURES = 2


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        sandbox.change(
            limits={"cores": 10_000, "family_cores": 10_000, "ml_cores": 10_000},
            policies=[{"name": "no-batch", "types": ["Microsoft.Batch/batchAccounts"]}],
        )
        yield sandbox


WRITES = {"a network", "an account", "a cluster"}
NEVER = {
    "lost": {"a token"},  # its code is used up then: the sign-in has to be repeated
    "cut": {"a token"},
    "401": {"a token"},  # there is nothing yet that could have expired
    "empty": WRITES,  # no service says 200 to a write and does nothing
    "unreadable": WRITES,
}


def able(call: str) -> list[str]:
    """The faults that may befall a request of this kind."""
    return [fault for fault in FAULTS if call not in NEVER.get(fault, set())]


def everywhere(fault: str) -> dict[str, str]:
    """The fault at every call that it may befall."""
    return {call: fault for call in CALLS if fault in able(call)}


def mixed(number: int) -> dict[str, str]:
    """Another fault at every call; each of the MIXTURES has others for it."""
    first = number * len(FAULTS) // MIXTURES
    return {call: able(call)[(first + at) % len(able(call))] for at, call in enumerate(CALLS)}


def clusters(cloud: Sandbox) -> list[Json]:
    workspaces = cloud.state["databricks"].values()
    return [c["spec"] for workspace in workspaces for c in workspace["clusters"].values()]


def unmet(cloud: Sandbox, before: int, faults: dict[str, str]) -> set[str]:
    """The calls that the run did not make."""
    made = cloud.calls[before:]
    return {c for c in faults if not any(re.fullmatch(CALLS[c], line) for line in made)}


def test_the_mixtures_hold_every_fault() -> None:
    mixtures = [mixed(number) for number in range(MIXTURES)]
    assert {fault for faults in mixtures for fault in faults.values()} == set(FAULTS)


@pytest.mark.parametrize("number", range(MIXTURES))
def test_once_at_every_kind_of_request(cloud: Sandbox, tmp_path: Path, number: int) -> None:
    survived(cloud, tmp_path, mixed(number))


@pytest.mark.breadth
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_once_at_every_kind_of_request(
    cloud: Sandbox, tmp_path: Path, fault: str
) -> None:
    survived(cloud, tmp_path, everywhere(fault))


def survived(cloud: Sandbox, home: Path, faults: dict[str, str]) -> None:
    """Build a platform while each of these calls meets its fault once."""
    before = len(cloud.calls)
    planted = [
        {"match": CALLS[call], "times": 1, **FAULTS[fault]} for call, fault in faults.items()
    ]
    cloud.control("faults", planted)
    try:
        ran = amlwizard(
            "replay", *TARGET, "--set", f"names.prefix=fault{next(NUMBER)}",
            AMLWIZARD_HOME=str(home), **cloud.environment,
        )  # fmt: skip
    finally:
        cloud.clear()
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.err and "foresee" not in ran.err
    made = Counter(spec["cluster_name"] for spec in clusters(cloud))
    assert set(made.values()) == {1}, "twins"
    assert unmet(cloud, before, faults) == set(), "the fault must have been met"


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("plan", "GET /subscriptions.*"),
        ("preflight", "POST .*/checkNameAvailability"),
        ("replay", "PUT .*"),
        ("replay", "GET /api/.*"),
        ("plan", "POST .*/devicecode"),
        ("replay", "POST .*/token"),
    ],
)
def test_a_captive_portal_is_called_one(
    cloud: Sandbox, tmp_path: Path, command: str, call: str
) -> None:
    page = "<html><body>Welcome to the hotel</body></html>"
    cloud.fault(call, status=200, text=page, headers=HTML)
    options = ("--until", "provision") if command == "replay" else ()
    prefix = ("--set", f"names.prefix=portal{next(NUMBER)}")
    around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    try:
        ran = amlwizard(
            command, TARGET[0], "--target", "sandbox", *options, *prefix, "--json", **around
        )
    finally:
        cloud.clear()
    assert ran.code in (1, 3), ran.err
    assert "A web page came instead of a response from 127.0.0.1" in ran.err
    assert "HTTPS_PROXY" in ran.err and "Traceback" not in ran.err and "foresee" not in ran.err
