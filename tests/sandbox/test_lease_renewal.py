"""A run renews its lease while it works, and stops before its next write if another has taken it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event as CancelEvent
from types import SimpleNamespace

import pytest
from support import PATIENCE, Sandbox, recipe_of, running

from amlwizard import engine
from amlwizard.cloud import Cloud, clock, from_description
from amlwizard.engine import Job
from amlwizard.events import Event, StepFinished, StepProgress
from amlwizard.json_types import Document
from amlwizard.lease import Lease
from amlwizard.lease.holder import Holder, parse
from amlwizard.plan import Context, Step
from amlwizard.run_control import RunControl
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("leases")

LIFE = 0.6  # seconds
TAG = "amlwizard-lease"
ELSEWHERE = "1|20261127-010203-abcdef|replay|ada@example.com|laptop|0123456789ab.4711.99|{}|{}"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))


def group_of(cloud: Sandbox) -> str:
    return f"/subscriptions/{cloud.description['subscription']}/resourcegroups/rg-mlquick01"


def held(cloud: Sandbox) -> str:
    """The value of the tag; empty if there is none."""
    return str(cloud.state["resources"][group_of(cloud)].get("tags", {}).get(TAG, ""))


def taken_over(cloud: Sandbox) -> None:
    now = time.time()
    value = ELSEWHERE.format(int(now), int(now + PATIENCE))
    cloud.change(resources={group_of(cloud): {"tags": {TAG: value}}})


def walked(
    cloud: Sandbox, meanwhile: Callable[[RunControl], None], life: float = LIFE
) -> tuple[int, list[Event], bool]:
    """A run of a long operation on a platform that nobody holds, during which `meanwhile` happens, and a write: its exit code, its
    events, and whether it wrote."""
    if group_of(cloud) in cloud.state["resources"]:
        cloud.change(resources={group_of(cloud): {"tags": {TAG: ""}}})
    control, wrote, events = RunControl(), CancelEvent(), list[Event]()

    def long(ctx: Context, say: object) -> Document:
        meanwhile(control)
        return {}

    def write(ctx: Context, say: object) -> Document:
        wrote.set()
        return {}

    recipe = recipe_of("quickstart")
    leased = [s for s in steps_for(recipe) if s.id in ("sign-in", "resource-group")]
    leased[1] = replace(leased[1], after=("sign-in",))
    steps = [
        *leased,
        Step("long", "Long", "provision", ("resource-group",), lambda ctx: None, long),
        Step("write", "Write", "provision", ("long",), lambda ctx: None, write),
    ]
    profile = replace(from_description(cloud.file), lease=life, settle=0.1)
    job = Job(recipe, "quickstart", Cloud(profile, attended=True), "sandbox")
    with Lease("20261127-000000-000000", "replay", control) as lease:
        code = engine.run(lease.guard(steps), job, events.append, control=control)
    return code, events, wrote.is_set()


def said(events: list[Event]) -> str:
    return " ".join(e.message for e in events if isinstance(e, StepProgress))


def outcomes(events: list[Event]) -> dict[str, str]:
    return {e.step: e.outcome for e in events if isinstance(e, StepFinished)}


def test_a_lease_is_renewed_while_a_long_operation_runs(cloud: Sandbox) -> None:
    renewals = "PATCH .*/tags/default"

    def meanwhile(control: RunControl) -> None:
        before = cloud.received(renewals)
        cloud.await_more(renewals, before + 2)

    code, _, wrote = walked(cloud, meanwhile)
    assert code == 0 and wrote
    assert held(cloud) == "", "given back at the end"


def test_a_run_whose_lease_another_has_taken_stops_and_says_so(cloud: Sandbox) -> None:
    def meanwhile(control: RunControl) -> None:
        taken_over(cloud)
        while not control.cancelled.wait(2 * LIFE):
            taken_over(cloud)  # a renewal that had looked before wrote over it

    code, events, wrote = walked(cloud, meanwhile)
    assert code == 130 and not wrote
    assert outcomes(events)["write"] == "cancelled"
    words = said(events)
    assert "works on the resource group rg-mlquick01: amlwizard replay, by ada@" in words
    assert "has taken over the lease of this run, which stops" in words
    assert "ada@example.com" in held(cloud), "the other's lease stays"


def test_a_machine_that_has_slept_looks_before_it_writes(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewal waits by a clock that stands still while the machine sleeps."""

    def meanwhile(control: RunControl) -> None:
        taken_over(cloud)
        woken = time.time() + 400
        monkeypatch.setattr(clock, "now", lambda: woken)

    code, events, wrote = walked(cloud, meanwhile, life=30)
    assert code == 130 and not wrote
    assert "by ada@example.com, on laptop" in said(events)


def test_a_machine_that_has_slept_and_lost_nothing_goes_on(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(control: RunControl) -> None:
        woken = time.time() + 400
        monkeypatch.setattr(clock, "now", lambda: woken)

    code, _, wrote = walked(cloud, meanwhile, life=30)
    assert code == 0 and wrote


# -- whose clock


NOW = 1_800_000_000.0
"""The time of this machine, where it stands still."""


@pytest.fixture
def clock_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Sets how many seconds this machine's clock, which stands still, is ahead of the cloud's."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: NOW))

    def ahead(seconds: float) -> None:
        then = time.gmtime(NOW - seconds)
        clock.note_date(time.strftime("%a, %d %b %Y %H:%M:%S GMT", then))

    yield ahead
    ahead(0)


def holder(until: float) -> Holder:
    found = parse(ELSEWHERE.format(int(until) - 600, int(until)))
    assert found
    return found


def test_a_lease_expires_by_the_clouds_clock(clock_of: Callable[[float], None]) -> None:
    soon, long_ago = holder(NOW - 100), holder(NOW - 1000)
    assert soon.gone and long_ago.gone
    clock_of(900)
    assert not soon.gone and long_ago.gone
    assert soon.renewed(600).until == NOW - 300
    clock_of(3)
    assert soon.gone, "a slow answer is no wrong clock"


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 99 Nov 2026 25:00:00 GMT"])
def test_an_answer_without_a_date_changes_nothing(
    date: str | None, clock_of: Callable[[float], None]
) -> None:
    clock_of(900)
    clock.note_date(date)
    assert clock.now() == NOW - 900
