"""Waiting says a word now and then, and ends."""

from __future__ import annotations

from threading import Event

import pytest

from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.cloud import interruption
from amlwizard.cloud.waiting import Waiting, longest
from amlwizard.errors import OperationCancelledError, StepError
from amlwizard.run_control import cancelled_by, current_report, reported_by


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that waiting looks at."""
    clock = [1000.0]
    monkeypatch.setattr("amlwizard.cloud.waiting.time.monotonic", lambda: clock[0])
    return clock


def test_the_same_status_is_said_again_after_half_a_minute(now: list[float]) -> None:
    said: list[str] = []
    wait = Waiting(
        "the vnet", "", 3600, lambda message, payload=None: said.append(message), Event()
    )
    for _ in range(100):
        wait.tell("InProgress")
        now[0] += 1
    assert said == [
        "InProgress", "InProgress, for 30 s now", "InProgress, for 60 s now", "InProgress, for 2 min now"
    ]  # fmt: skip


def test_a_wait_times_out_with_what_since_when_and_where_to_look(now: list[float]) -> None:
    wait = Waiting("the vnet", "its log", 3600, lambda *_: None, Event())
    now[0] += 3600
    with pytest.raises(StepError) as error:
        wait.tell("InProgress")
    assert "the vnet: still InProgress after 60 minutes (since " in error.value.what
    assert "its log" in error.value.fix


def test_a_cancellation_says_what_goes_on() -> None:
    cancel = Event()
    cancel.set()
    with pytest.raises(OperationCancelledError, match=r"still under way: the vnet \(InProgress\)"):
        Waiting("the vnet", "", 3600, lambda *_: None, cancel).tell("InProgress")


def test_no_request_leaves_once_the_command_is_cancelled() -> None:
    cancel, sent = Event(), list[str]()
    cancel.set()
    with cancelled_by(cancel), pytest.raises(OperationCancelledError):
        interruption.interruptible(lambda: sent.append("a request"), "a request", 60)
    assert sent == []


def test_a_long_pause_that_a_service_asks_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "HEARTBEAT_SECONDS", 0.01)
    cancel, said = Event(), list[str]()

    def heard(message: str) -> None:
        said.append(message)
        if len(said) == 3:
            cancel.set()

    with cancelled_by(cancel), reported_by(heard), pytest.raises(OperationCancelledError):
        interruption.pause(3600)
    assert said == ["the next attempt is in 1 h 00"] * 3


def test_a_gateway_may_take_longer() -> None:
    assert longest("Microsoft.Network/virtualNetworkGateways", 3600) > 2 * 3600
    assert longest("Microsoft.Network/virtualNetworks", 3600) == 3600


def test_what_a_command_waits_for_that_only_reads_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Standard output is for what it has read."""
    with cancelling(ABOUT_READING):
        current_report()("GET vnet/one: no answer for 30 s now")
    assert capsys.readouterr() == ("", "GET vnet/one: no answer for 30 s now\n")
