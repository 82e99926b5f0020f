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
from typing import TypeVar

from amlwizard.errors import OperationCancelledError
from amlwizard.language import _
from amlwizard.run_control import current_cancel

T = TypeVar("T")

CONNECT_SECONDS = 20.0
WHOLE_SECONDS = 300.0
"""From the first byte sent to the last one received."""
POLL_SECONDS = 0.1


def interruptible(
    call: Callable[[], T], doing: str = _("a request"), seconds: float = WHOLE_SECONDS
) -> T:
    """The result of `call`, which sends one request, named by `doing`. Raises
    OperationCancelledError if the command is cancelled before or meanwhile, TimeoutError if there is
    no result after `seconds`."""
    cancel = current_cancel()
    if cancel.is_set():
        raise OperationCancelledError(_("cancelled"))
    result: Future[T] = Future()
    Thread(target=_fulfil, args=(result, call), name="request", daemon=True).start()
    left = seconds
    while not _ended(result, min(POLL_SECONDS, left)):
        if cancel.is_set():
            raise OperationCancelledError(_("cancelled during {request}", request=doing))
        left -= POLL_SECONDS
        if left <= 0:
            raise TimeoutError(
                _("no complete answer within {seconds:.0f} seconds", seconds=seconds)
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
    soon as the command is cancelled."""
    if (cancel or current_cancel()).wait(seconds):
        raise OperationCancelledError(_("cancelled"))
