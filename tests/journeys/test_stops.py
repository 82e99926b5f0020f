"""A command that is interrupted stops at once, even while a request is unanswered."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from support import RECIPES, Sandbox, commanding, running

pytestmark = pytest.mark.xdist_group("stops")
TARGET = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox")
BUILD = ("replay", *TARGET, "--until", "provision", "--json")
VNET = ".*/virtualNetworks.*"
HANGS = {"mode": "hang"}
THROTTLED = {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "3600"}}
UNAVAILABLE = {"status": 503, "code": "ServiceUnavailable", "headers": {"Retry-After": "3600"}}
RUNS = count(10)
BY_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("command", "call", "fault", "number"),
    [
        *((("preflight", *TARGET), f"GET {VNET}", HANGS, number) for number in BY_ALL),
        *((BUILD, f"PUT {VNET}", HANGS, number) for number in BY_ALL),
        (BUILD, f"PUT {VNET}", THROTTLED, signal.SIGINT),
        (BUILD, f"PUT {VNET}", UNAVAILABLE, signal.SIGHUP),
        (BUILD, "POST .*/token", HANGS, signal.SIGTERM),
        (("plan", *TARGET), "POST .*/devicecode", HANGS, signal.SIGHUP),
        (("plan", *TARGET), f"GET {VNET}", HANGS, signal.SIGINT),
        (("destroy", *TARGET, "--yes"), "GET .*/resourcegroups/.*", HANGS, signal.SIGINT),
        (("destroy", *TARGET, "--yes"), "GET .*/resourcegroups/.*", THROTTLED, signal.SIGTERM),
        (("verify", *TARGET), "GET /subscriptions.*", HANGS, signal.SIGINT),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else None,
)
def test_it_ends_while_azure_does_not_answer(
    cloud: Sandbox,
    tmp_path: Path,
    command: tuple[str, ...],
    call: str,
    fault: dict[str, object],
    number: signal.Signals,
) -> None:
    """The fault stays until the end: without it the request would be answered, or tried again in an
    hour."""
    prefix = f"names.prefix=stop{next(RUNS)}"  # a platform of its own: what hung goes on at the end
    before = cloud.received(f"(?i){call}")
    cloud.fault(f"(?i){call}", **fault)
    try:
        around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
        with commanding(*command, "--set", prefix, **around) as stopped:
            cloud.await_more(f"(?i){call}", before)
            stopped.send(number)
            ran = stopped.end()
    finally:
        cloud.clear()
    assert ran.code == 130, ran.err
    assert "Cancelling" in ran.err and "Traceback" not in ran.err
    if command is BUILD:
        assert ran.events[-1] == {**ran.events[-1], "kind": "run-finished", "exit_code": 130}
        [journal] = tmp_path.glob("runs/*/journal.jsonl")
        assert '"run-finished"' in journal.read_text().splitlines()[-1]
        assert "failed" not in ran.outcomes.values()
