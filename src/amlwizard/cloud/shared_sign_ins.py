"""Sign-ins that the clouds of several runs share: one per method and tenant."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING

from amlwizard.errors import OperationCancelledError
from amlwizard.language import _
from amlwizard.run_control import POLL_SECONDS, current_cancel

if TYPE_CHECKING:
    from amlwizard.cloud.session import CloudSession

Key = tuple[str | None, str]  # the method, None for whichever works, and the tenant


class SharedSignIns:
    """Whoever comes first signs in; all others get the same session, or the same error."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: dict[Key, Future[CloudSession]] = {}

    def one(self, key: Key, sign_in: Callable[[], CloudSession]) -> CloudSession:
        """Raises what `sign_in` raises, and OperationCancelledError if the run is cancelled while
        another one signs in."""
        with self._lock:
            is_first = key not in self._made
            made = self._made.setdefault(key, Future())
        if is_first:
            _fulfil(made, sign_in)
        return _awaited(made)


def _fulfil(made: Future[CloudSession], sign_in: Callable[[], CloudSession]) -> None:
    try:
        made.set_result(sign_in())
    except BaseException as error:  # noqa: BLE001 - raised again for everyone
        made.set_exception(error)


def _awaited(made: Future[CloudSession]) -> CloudSession:
    cancel = current_cancel()
    while not made.done():
        if cancel.wait(POLL_SECONDS):
            raise OperationCancelledError(_("cancelled while another recipe signs in"))
    return made.result()
