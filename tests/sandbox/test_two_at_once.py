"""One run at a time on a platform, from this machine or another: the second is refused before it
writes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from support import (
    PATIENCE,
    RECIPES,
    Json,
    Ran,
    Replay,
    Sandbox,
    Sandboxes,
    amlwizard,
    replaying,
    running,
)

pytestmark = pytest.mark.xdist_group("two")

RECIPE = str(RECIPES / "quickstart.yaml")
COMMON = (RECIPE, "--target", "sandbox")
TAG = "amlwizard-lease"
ELSEWHERE = "0123456789ab.4711.99"  # a process of another machine
WRITES = ("PUT", "PATCH", "DELETE", "POST")
GROUP = "/subscriptions/{}/resourcegroups/rg-mlquick01"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with running("--approve") as sandbox:
        yield sandbox


@pytest.mark.journey
def test_of_two_that_start_together_without_a_group_exactly_one_builds(
    sandbox: Sandboxes, tmp_path: Path
) -> None:
    cloud = sandbox("--clock", "instant")
    cloud.hold("Microsoft.Network")  # until one is refused: else the other may be ready by then
    options = (*COMMON, "--until", "provision")
    with (
        ThreadPoolExecutor(2) as pool,
        replaying(*options, **with_home(cloud, tmp_path / "a")) as one,
        replaying(*options, **with_home(cloud, tmp_path / "b")) as other,
    ):
        ends = [pool.submit(run.end) for run in (one, other)]
        wait(ends, PATIENCE, FIRST_COMPLETED)
        cloud.clear()
        ended = [end.result() for end in ends]
    assert sorted(ran.code for ran in ended) == [0, 1], [ran.err for ran in ended]
    [refusal] = [ran for ran in ended if ran.code]
    [failed] = refusal.that_are("failed")
    assert "works on the resource group rg-mlquick01" in refusal.final(failed)["what"]
    assert refusal.that_are("done") <= {"sign-in", "preflight", "providers", "resource-group"}


def group_of(sandbox: Sandbox) -> str:
    names = [k for k in sandbox.state["resources"] if k.count("/") == 4]
    return next(iter(names), "")


def tags_of(sandbox: Sandbox) -> Json:
    group = sandbox.state["resources"].get(group_of(sandbox), {})
    return dict(group.get("tags", {}))


@pytest.fixture(autouse=True)
def nothing_held(cloud: Sandbox) -> Iterator[None]:
    yield
    cloud.clear()
    cloud.change(policies=[])


def writes(sandbox: Sandbox) -> list[str]:
    kinds = ("/subscriptions/", "/api/")
    return [
        call
        for call in sandbox.calls
        if call.startswith(WRITES) and call.partition(" ")[2].startswith(kinds)
    ]


def with_home(sandbox: Sandbox, home: Path) -> dict[str, str]:
    return {**sandbox.environment, "AMLWIZARD_HOME": str(home)}


def lease_of_another(since: float, until: float) -> str:
    who = ("1", "20261127-010203-abcdef", "replay", "ada@example.com", "laptop", ELSEWHERE)
    return "|".join((*who, str(int(since)), str(int(until))))


def held_by(sandbox: Sandbox, value: str) -> None:
    """Have a resource group with that lease."""
    group = f"/subscriptions/{sandbox.description['subscription']}/resourceGroups/rg-mlquick01"
    document = {
        "id": group, "name": "rg-mlquick01", "location": "westeurope",
        "type": "Microsoft.Resources/resourceGroups", "tags": {"amlwizard": "mlquick01", TAG: value},
        "properties": {"provisioningState": "Succeeded"},
    }  # fmt: skip
    sandbox.change(resources={group.lower(): document})


def refused(ran: Ran) -> Json:
    """What the sign-in step of a refused run says."""
    assert ran.code == 1, ran.err
    return ran.final("sign-in")


def began(replay: Replay) -> None:
    """Wait until the run has the lease; a resource group that is there already is kept."""
    replay.until("step-finished", "resource-group")


def test_of_two_replays_one_builds_and_the_other_writes_nothing(
    cloud: Sandbox, tmp_path: Path
) -> None:
    cloud.hold("Microsoft.Network")
    with replaying(*COMMON, "--until", "provision", **with_home(cloud, tmp_path / "a")) as first:
        began(first)
        for home in ("a", "b"):  # the lock of this state folder, and the lease in the cloud
            second = amlwizard("replay", *COMMON, "--json", **with_home(cloud, tmp_path / home))
            said = refused(second)
            assert f"(process {first.process.pid}), since " in said["what"]
            assert "amlwizard replay, by " in said["what"]
            assert "Nothing was changed" in said["why"]
            assert "Wait until it ends" in said["fix"]
            assert second.that_are("failed") == {"sign-in"}
            assert not second.that_are("done")
        removal = amlwizard(
            "destroy", *COMMON, "--yes", "--json", **with_home(cloud, tmp_path / "b")
        )
        assert refused(removal)["what"] == said["what"]
        for reading in ("plan", "preflight"):
            assert "works on" not in amlwizard(reading, *COMMON, **with_home(cloud, tmp_path)).err
        first.send(signal.SIGINT)
        assert first.end().code == 130
    assert tags_of(cloud) == {"amlwizard": "mlquick01"}, "given back when cancelled"


def test_a_refused_run_sends_no_write(cloud: Sandbox, tmp_path: Path) -> None:
    now = time.time()
    held_by(cloud, lease_of_another(now - 60, now + PATIENCE))
    before = writes(cloud)
    said = refused(amlwizard("replay", *COMMON, "--json", **with_home(cloud, tmp_path)))
    assert "by ada@example.com, on laptop (process 4711), since " in said["what"]
    until = time.strftime("%H:%M", time.localtime(int(now + PATIENCE)))
    assert f"after {until}" in said["fix"]
    assert writes(cloud) == before


def test_what_killed_runs_hold_is_taken_over_at_once(cloud: Sandbox, tmp_path: Path) -> None:
    held_by(cloud, "")
    cloud.hold("Microsoft.Network")
    with replaying(*COMMON, "--until", "provision", **with_home(cloud, tmp_path / "a")) as first:
        began(first)
        first.send(signal.SIGKILL)
        first.end()
    assert tags_of(cloud)[TAG]
    with replaying(*COMMON, "--until", "provision", **with_home(cloud, tmp_path / "a")) as second:
        began(second)
        second.send(signal.SIGINT)
        second.end()


@pytest.mark.parametrize("command", ["replay", "destroy"])
def test_a_lease_that_has_expired_is_taken_over(
    cloud: Sandbox, tmp_path: Path, command: str
) -> None:
    held_by(cloud, lease_of_another(time.time() - 900, time.time() - 1))
    options = {"replay": ("--until", "sign-in"), "destroy": ("--yes",)}[command]
    ran = amlwizard(command, *COMMON, *options, "--json", **with_home(cloud, tmp_path))
    assert ran.final("sign-in")["outcome"] == "done"
    assert TAG not in tags_of(cloud)


def test_a_tag_of_another_version_is_not_overwritten(cloud: Sandbox, tmp_path: Path) -> None:
    held_by(cloud, "2|what a later version writes")
    said = refused(amlwizard("replay", *COMMON, "--json", **with_home(cloud, tmp_path)))
    assert "cannot read" in said["what"]
    assert "remove the tag" in said["fix"]
    assert tags_of(cloud)[TAG].startswith("2|")


def test_where_a_policy_forbids_the_tag_the_local_lock_has_to_do(
    cloud: Sandbox, tmp_path: Path
) -> None:
    held_by(cloud, "")
    rule = {"field": "tags", "containsKey": TAG}
    cloud.change(policies=[{"name": "no-leases", "if": rule}])
    options = (*COMMON, "--until", "sign-in", "--json")
    ran = amlwizard("replay", *options, **with_home(cloud, tmp_path))
    assert ran.code == 0, ran.err
    [word] = [e["message"] for e in ran.of("step-progress", "sign-in") if "lease" in e["message"]]
    assert "RequestDisallowedByPolicy" in word
    assert "only runs on this machine" in word
