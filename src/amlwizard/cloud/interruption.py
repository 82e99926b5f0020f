"""Ends what blocks as soon as the command is cancelled: requests that hang, and the pauses of SDKs
between their attempts.

Python cannot end a thread that waits for a socket. So a request runs in a thread of its own, and
whoever asked waits for its end or for the cancellation, whatever comes first. An abandoned thread
ends with its answer or its timeout, and never keeps the process alive.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Event as CancelEvent
from threading import Thread
from time import monotonic
from typing import TypeVar

from amlwizard.errors import OperationCancelledError
from amlwizard.language import _
from amlwizard.run_control import POLL_SECONDS, current_cancel, current_report
from amlwizard.time_format import span

T = TypeVar("T")

CONNECT_SECONDS = 20.0
HEARTBEAT_SECONDS = 30.0


def interruptible(call: Callable[[], T], doing: str, seconds: float) -> T:
    """The result of `call`, which sends one request, named by `doing`. Raises
    OperationCancelledError if the command is cancelled before or meanwhile, TimeoutError if there is
    no result after `seconds`. Meanwhile the user is told now and then what is waited for."""
    cancel = current_cancel()
    if cancel.is_set():
        raise OperationCancelledError(_("cancelled"))
    result: Future[T] = Future()
    Thread(target=_fulfil, args=(result, call), name="request", daemon=True).start()
    began = said = monotonic()
    while not _ended(result, min(POLL_SECONDS, seconds)):
        if cancel.is_set():
            raise OperationCancelledError(_("cancelled during {request}", request=doing))
        now = monotonic()
        if now - began >= seconds:
            raise TimeoutError(
                _("no complete answer within {seconds:.0f} seconds", seconds=seconds)
            )
        if now - said >= HEARTBEAT_SECONDS:
            said = now
            current_report()(
                _(
                    "{request}: no answer for {duration} now",
                    request=doing,
                    duration=span(now - began),
                )
            )
    return result.result()


def _ended(result: Future[T], seconds: float) -> bool:
    try:
        result.exception(seconds)
    except TimeoutError:
        return False
    return True


def _fulfil(result: Future[T], call: Callable[[], T]) -> None:
    try:
        result.set_result(call())
    except BaseException as error:  # noqa: BLE001 - raised again by whoever asked
        result.set_exception(error)


def pause(seconds: float, cancel: CancelEvent | None = None) -> None:
    """Wait for `seconds`. Raises OperationCancelledError as soon as `cancel` is set; without it, as
    soon as the command is cancelled. A service may ask for a long one: then the user is told."""
    cancel, left = cancel or current_cancel(), seconds
    while left > HEARTBEAT_SECONDS:
        current_report()(_("the next attempt is in {duration}", duration=span(left)))
        if cancel.wait(HEARTBEAT_SECONDS):
            raise OperationCancelledError(_("cancelled"))
        left -= HEARTBEAT_SECONDS
    if cancel.wait(left):
        raise OperationCancelledError(_("cancelled"))
