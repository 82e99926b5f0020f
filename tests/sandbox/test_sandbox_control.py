"""The control API: faults that are checked, records that stay small, and crashes that are not passed
off as Azure's refusals."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import PATIENCE, Sandbox, forking, running

from amlwizard.cloud import Cloud
from amlwizard.errors import CloudError

pytestmark = pytest.mark.xdist_group("control")

NETWORK = "2025-01-01"
BROKEN_VNET = {
    "name": "vnet",
    "type": "Microsoft.Network/virtualNetworks",
    "location": "westeurope",
    "properties": {"subnets": []},
}


@pytest.fixture(scope="module")
def there() -> Iterator[Sandbox]:
    """A sandbox that is refused what it is told."""
    with running("--clock", "instant") as sandbox:
        yield sandbox


def group_in(cloud: Cloud, name: str = "rg") -> str:
    group = f"/subscriptions/{cloud.arm.subscription}/resourceGroups/{name}"
    cloud.arm.send("PUT", group, "2025-04-01", {"location": "westeurope"})
    return group


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"match": "GET .*", "status": 500, "time": 1}, "time: unknown\n(known are match, holds,"),
        ({"match": "GET (", "status": 500}, "match: not a regular expression"),
        ({"match": "GET .*", "mode": "hung"}, "mode: Input should be 'before', 'after'"),
        ({"match": "GET .*", "mode": "after"}, "status: needed"),
        ({"match": "GET .*"}, "status: needed"),
        ({"status": 500}, "match: Field required"),
    ],
)
def test_a_mistyped_fault_is_refused_with_the_reason(
    there: Sandbox, fault: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        there.control("faults", fault)
    assert refused.value.response.status_code == 400
    assert complaint in refused.value.response.json()["error"]
    assert there.control("faults", method="GET") == []


def test_a_crash_in_a_handler_is_a_recorded_500(sandbox: Callable[..., Sandbox]) -> None:
    there = sandbox("--approve", "--clock", "instant")
    cloud = there.cloud()
    cloud.arm.send("POST", f"/subscriptions/{cloud.arm.subscription}/providers/Microsoft.Network/register", "2025-04-01")  # fmt: skip
    vnet = f"{group_in(cloud)}/providers/Microsoft.Network/virtualNetworks/vnet"
    there.change(resources={vnet.lower(): {"id": vnet, **BROKEN_VNET}})
    subnet = {"properties": {"addressPrefix": "10.0.0.0/24"}}
    with pytest.raises(CloudError):
        cloud.arm.send("PUT", f"{vnet}/subnets/one", NETWORK, subnet)
    assert there.unknown and all("KeyError" in entry["crash"] for entry in there.unknown)


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({"limit": {"cores": 4}}, "limit: unknown"),
        ({"limits": {"kores": 4}}, "limits.kores: unknown"),
        ({"person": {"name": 7}}, "person.name: Input should be a valid string"),
    ],
)
def test_a_mistyped_state_is_refused_with_the_reason(
    there: Sandbox, state: dict[str, Any], complaint: str
) -> None:
    before = there.state
    with pytest.raises(httpx.HTTPStatusError) as refused:
        there.control("state", state)
    assert refused.value.response.status_code == 400
    assert complaint in refused.value.response.json()["error"]
    assert there.state == before


@pytest.mark.parametrize("content", ["{", '{"tenant": 7}', '{"since": "a later version"}'])
def test_a_state_file_that_cannot_be_read_ends_in_a_sentence(content: str, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(content)
    ended = subprocess.run(
        [forking.python(), "-m", "amlwizard.sandbox", "--state", str(file)],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr.startswith(f"{file}: this version of the sandbox cannot read this state")
    assert file.read_text() == content


def test_finished_operations_are_forgotten_in_time(sandbox: Callable[..., Sandbox]) -> None:
    there = sandbox("--approve", "--clock", "instant")
    cloud = there.cloud()
    for namespace in ("Microsoft.Network", "Microsoft.Storage"):
        cloud.arm.send("POST", f"/subscriptions/{cloud.arm.subscription}/providers/{namespace}/register", "2025-04-01")  # fmt: skip
    network = f"{group_in(cloud)}/providers/Microsoft.Network"

    def put(turn: int) -> None:
        cloud.arm.send(
            "PUT", f"{network}/routeTables/table", NETWORK,
            {"location": "westeurope", "tags": {"turn": str(turn)}},
        )  # fmt: skip

    put(0)
    state = there.state
    one = list(state["operations"].values())[-1]
    earlier = {f"earlier-{n}": copy.deepcopy(one) for n in range(320)}  # as of 320 requests
    there.control("state", {**state, "operations": {**state["operations"], **earlier}}, "PUT")
    assert len(there.state["operations"]) > 300
    for turn in range(1, 4):
        put(turn)
    assert len(there.state["operations"]) <= 300
    registered = cloud.arm.send("GET", f"/subscriptions/{cloud.arm.subscription}/providers/Microsoft.Storage", "2025-04-01")  # fmt: skip
    assert registered["registrationState"] == "Registered"
