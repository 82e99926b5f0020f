"""A command that is interrupted stops at once, even while a request is unanswered, and says what goes
on; the next one goes on from there."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from support import RECIPES, Json, Sandbox, commanding, environment, running
from support.breadth import breadth, narrowed

pytestmark = pytest.mark.xdist_group("stops")
TARGET = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox")
BUILD = ("replay", *TARGET, "--until", "provision", "--json")
VNET = ".*/virtualNetworks.*"
HANGS = {"mode": "hang"}
THROTTLED = {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "3600"}}
UNAVAILABLE = {"status": 503, "code": "ServiceUnavailable", "headers": {"Retry-After": "3600"}}
RUNS = count(10)
POLL_SECONDS = 0.1
BY_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("command", "call", "fault", "number"),
    [
        (("preflight", *TARGET), f"GET {VNET}", HANGS, signal.SIGINT),
        *(breadth(("preflight", *TARGET), f"GET {VNET}", HANGS, number) for number in BY_ALL[1:]),
        (BUILD, f"PUT {VNET}", HANGS, signal.SIGTERM),
        *(
            breadth(BUILD, f"PUT {VNET}", HANGS, number)
            for number in BY_ALL
            if number != signal.SIGTERM
        ),
        breadth(BUILD, f"PUT {VNET}", THROTTLED, signal.SIGINT),
        (BUILD, f"PUT {VNET}", UNAVAILABLE, signal.SIGHUP),
        breadth(BUILD, "POST .*/token", HANGS, signal.SIGTERM),
        (("plan", *TARGET), "POST .*/devicecode", HANGS, signal.SIGHUP),
        breadth(("plan", *TARGET), f"GET {VNET}", HANGS, signal.SIGINT),
        breadth(("destroy", *TARGET, "--yes"), "GET .*/resourcegroups/.*", HANGS, signal.SIGINT),
        (("destroy", *TARGET, "--yes"), "GET .*/resourcegroups/.*", THROTTLED, signal.SIGTERM),
        (("verify", *TARGET), "GET /subscriptions.*", HANGS, signal.SIGINT),
        breadth(("key", *TARGET), "GET /subscriptions.*", HANGS, signal.SIGTERM),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else None,
)
def test_a_command_ends_while_azure_does_not_answer(
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


@pytest.mark.parametrize("closed", [False, True], ids=["Ctrl-C is typed", "the terminal is closed"])
def test_a_command_ends_with_its_terminal(cloud: Sandbox, tmp_path: Path, closed: bool) -> None:
    """The kernel sends the signals, and what is still to be written has nowhere to go."""
    reading, prefix = "(?i)GET .*/virtualNetworks.*", f"names.prefix=stop{next(RUNS)}"
    before = cloud.received(reading)
    cloud.gate(reading)
    around = environment({"AMLWIZARD_HOME": str(tmp_path), "TERM": "xterm", **cloud.environment})
    command = ("replay", *TARGET, "--until", "provision", "--set", prefix)
    process, ours = pty.fork()
    if process == 0:
        os.execve(sys.executable, [sys.executable, "-m", "amlwizard", *command], around)  # noqa: S606 - in a pty of its own
    try:
        while cloud.received(reading) == before:
            if select.select([ours], [], [], POLL_SECONDS)[0]:
                os.read(ours, 65536)
        if closed:
            os.close(ours)
        else:
            os.write(ours, b"\x03")
            shown = b""
            with suppress(OSError):  # Linux says so when the other side has closed
                while part := os.read(ours, 65536):
                    shown += part
            os.close(ours)
            assert b"Cancelling" in shown
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
    finally:
        cloud.clear()
    [journal] = tmp_path.glob("runs/*/journal.jsonl")
    assert '"run-finished"' in journal.read_text().splitlines()[-1]


def test_the_wizard_ends_while_azure_does_not_answer(cloud: Sandbox, tmp_path: Path) -> None:
    asking = "POST .*/devicecode"
    before = cloud.received(asking)
    cloud.gate(asking)
    around = {"AMLWIZARD_HOME": str(tmp_path), "TERM": "xterm-256color", **cloud.environment}
    process, ours = pty.fork()
    if process == 0:
        os.execve(  # noqa: S606 - in a pty of its own
            sys.executable,
            [sys.executable, "-m", "amlwizard", "--recipe", TARGET[0], "--target", "sandbox"],
            environment({**around, "COLUMNS": "100", "LINES": "40"}),
        )
    try:
        shown = b""
        while b"Sign in now" not in shown:
            shown += os.read(ours, 65536)
        os.write(ours, b"\x0c")
        while cloud.received(asking) == before:
            if select.select([ours], [], [], POLL_SECONDS)[0]:
                os.read(ours, 65536)
        os.kill(process, signal.SIGTERM)
        with suppress(OSError):  # Linux says so when the other side has closed
            while os.read(ours, 65536):
                pass
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
    finally:
        cloud.clear()
        os.close(ours)


def test_a_run_that_is_resumed_ends_too(cloud: Sandbox, tmp_path: Path) -> None:
    """And is the one that is resumed next."""
    around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    command = (*BUILD, "--set", f"names.prefix=stop{next(RUNS)}")
    for arguments in (command, ("resume", "--json")):
        before = cloud.received(f"(?i)PUT {VNET}")
        cloud.gate(f"(?i)PUT {VNET}")
        with commanding(*arguments, **around) as stopped:
            cloud.await_more(f"(?i)PUT {VNET}", before)
            stopped.send(signal.SIGINT)
            ran = stopped.end()
        cloud.clear()
        assert ran.code == 130 and ran.events[-1]["kind"] == "run-finished", ran.err
        assert f"resume {ran.events[0]['run']}" in ran.err


# -- one platform, built by runs of which each is stopped in a later state

REGISTER, SCORE = ("--until", "register"), ("--until", "score")
HELD = {"edit": {"status": "InProgress"}}
ML_OPERATION = "GET .*MachineLearningServices/locations/.*/operationStatuses/.*"


class State(NamedTuple):
    """A run that is stopped by a signal while `call` meets a fault: its step says `said`."""

    until: tuple[str, str]
    call: str
    fault: Json
    number: signal.Signals
    step: str
    said: str


TRAINING = "a cell that trains"  # as in test_one_training
STATES = {
    TRAINING: State(
        REGISTER, "POST .*/runs/log-batch", HANGS, signal.SIGHUP, "train",
        "cell 9 was ended on the cluster",
    ),
    "an answer of the cluster": State(
        REGISTER, "GET /api/1.2/commands/status", HANGS, signal.SIGTERM, "train",
        "cell 1 was ended on the cluster",
    ),
    "a cell that registers": State(
        REGISTER, "POST .*/model-versions/create", HANGS, signal.SIGINT, "register",
        "cell 5 was ended on the cluster",
    ),
    "an endpoint": State(
        SCORE, ML_OPERATION, HELD, signal.SIGINT, "endpoint", "mle-mlquick01 (InProgress)",
    ),
    "a deployment": State(
        SCORE, "PUT .*/deployments/[^/]*", HANGS, signal.SIGTERM, "deployment",
        "during PUT deployments/ridge",
    ),
    "a scoring request": State(
        SCORE, "POST .*/score", HANGS, signal.SIGHUP, "score", "during POST mle-mlquick01/score",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def platform(cloud: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the runs that build it."""
    return {"AMLWIZARD_HOME": str(tmp_path_factory.mktemp("home")), **cloud.environment}


@pytest.mark.journey
@pytest.mark.parametrize("state", narrowed(STATES, *(one for one in STATES if one != TRAINING)))
def test_every_run_stops_in_a_later_state_and_says_what_goes_on(
    cloud: Sandbox, platform: dict[str, str], state: str
) -> None:
    there = STATES[state]
    before = cloud.received(there.call)
    cloud.fault(there.call, **there.fault)
    try:
        with commanding("replay", *TARGET, *there.until, "--json", **platform) as stopped:
            cloud.await_more(there.call, before)
            stopped.send(there.number)
            ran = stopped.end()
    finally:
        cloud.clear()
    assert ran.code == 130 and ran.events[-1]["kind"] == "run-finished", ran.err
    assert ran.outcomes[there.step] == "cancelled"
    assert there.said in ran.final(there.step)["what"]
    assert not ran.that_are("failed")
    scopes = [s for w in cloud.state["databricks"].values() for s in w["scopes"].values()]
    assert not any(scopes), "nothing lent is left"


@pytest.mark.journey
@pytest.mark.parametrize(
    ("call", "number", "said"),
    [
        ("GET /dns-query", signal.SIGINT, "cancelled during GET /dns-query"),
        breadth("GET /dns-query", signal.SIGHUP, "cancelled during GET /dns-query"),
        ("POST /api/2.0/secrets/delete", signal.SIGINT, "Cancelled."),  # all is judged by then
    ],
)
def test_verifying_stops_while_nobody_answers(
    cloud: Sandbox, platform: dict[str, str], call: str, number: signal.Signals, said: str
) -> None:
    before = cloud.received(call)
    cloud.gate(call)
    try:
        with commanding("verify", *TARGET, **platform) as stopped:
            cloud.await_more(call, before)
            stopped.send(number)
            ran = stopped.end()
    finally:
        cloud.clear()
    assert ran.code == 130 and "foresee" not in ran.err
    assert "Cancelling" in ran.err and said in ran.err
