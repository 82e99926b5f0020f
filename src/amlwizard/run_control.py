"""Pausing and cancelling a run, from any thread and by signals."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Event
from time import monotonic, sleep
from types import FrameType
from typing import ClassVar, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

P = ParamSpec("P")
T = TypeVar("T")

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What ends a command: Ctrl-C, a supervisor, a terminal that closes."""
CLEANUP_SECONDS = 1.2
POLL_SECONDS = 0.1
_cancel: ContextVar[Event] = ContextVar("cancel")
_report: ContextVar[Callable[[str], None]] = ContextVar("report")


@contextmanager
def bound(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Within the block, a variable has this value in this thread."""
    before = variable.set(value)
    try:
        yield
    finally:
        variable.reset(before)


@contextmanager
def signals_handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block, which the main thread runs, SIGNALS have this handler."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def cancelled_by(cancel: Event) -> AbstractContextManager[None]:
    """Within the block, requests and pauses of this thread end as soon as `cancel` is set."""
    return bound(_cancel, cancel)


def current_cancel() -> Event:
    """The event that cancels the work of this thread; one that is never set if there is none."""
    return _cancel.get(None) or Event()


def reported_by(report: Callable[[str], None]) -> AbstractContextManager[None]:
    """Within the block, `report` is told what the work of this thread waits for."""
    return bound(_report, report)


def current_report() -> Callable[[str], None]:
    """Reports what this thread waits for; does nothing if no reporter is set."""
    return _report.get(lambda message: None)


class _Grace(Event):
    """Set when `cancel` has been set for `seconds`, as seen by all cleanup together."""

    seen: ClassVar[WeakKeyDictionary[Event, float]] = WeakKeyDictionary()

    def __init__(self, cancel: Event, seconds: float) -> None:
        super().__init__()
        self.cancel, self._seconds = cancel, seconds

    def is_set(self) -> bool:
        if not self.cancel.is_set():
            return False
        return monotonic() - self.seen.setdefault(self.cancel, monotonic()) >= self._seconds

    def wait(self, timeout: float | None = None) -> bool:
        end = monotonic() + (float("inf") if timeout is None else timeout)
        while not (ended := self.is_set()) and monotonic() < end:
            sleep(min(POLL_SECONDS, max(0, end - monotonic())))
        return ended


@contextmanager
def cleanup(seconds: float = CLEANUP_SECONDS) -> Iterator[None]:
    """Within the block, requests are sent although the command is cancelled: for what must not be
    left behind. All such blocks share their `seconds`, from the first one after the
    cancellation."""
    cancel = current_cancel()
    with cancelled_by(_Grace(cancel.cancel if isinstance(cancel, _Grace) else cancel, seconds)):
        yield


class Workers(ThreadPoolExecutor):
    """A pool whose calls are cancelled by what cancels the thread that submitted them."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(partial(copy_context().run, fn, *args, **kwargs))


class RunControl:
    """Pauses, resumes and cancels a run. `cancelled` is set once the run is to end."""

    def __init__(self, cancelled: Event | None = None) -> None:
        self.cancelled = cancelled or Event()
        self._may_start = Event()
        self._may_start.set()

    def cancel(self) -> None:
        """Start no further step. Operations that Azure has begun continue there."""
        self.cancelled.set()
        self._may_start.set()

    def pause(self) -> None:
        """Start no further step until `resume`; running steps continue."""
        if not self.cancelled.is_set():
            self._may_start.clear()

    def resume(self) -> None:
        self._may_start.set()

    @property
    def paused(self) -> bool:
        return not self._may_start.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until steps may start; False if `seconds` pass first."""
        return self._may_start.wait(seconds)


class FleetControl(RunControl):
    """Cancels all runs of a fleet; each of its `members` can also be cancelled alone."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.members = [RunControl() for _ in range(size)]

    def cancel(self) -> None:
        super().cancel()
        for member in self.members:
            member.cancel()
