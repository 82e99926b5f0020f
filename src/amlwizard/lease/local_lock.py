"""The lock of a platform among the processes that share a state folder."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from filelock import FileLock, Timeout

from amlwizard.errors import StepError
from amlwizard.language import _
from amlwizard.lease import holder
from amlwizard.lease.holder import Holder
from amlwizard.paths import private_folder, state_folder, write

FOLDER = "locks"


def holder_of(run: str) -> Holder | None:
    """The process that works on a run, among those that share a state folder; None if none is
    known."""
    for path in (state_folder() / FOLDER).glob("*"):
        with suppress(OSError, ValueError):
            found = holder.parse(path.read_text(encoding="utf-8"))
            if found and found.run == run and not found.process.ended:
                return found
    return None


class LocalLock:
    """Ends with the process, however that ends. Beside it lies who holds it."""

    def __init__(self, subscription: str, group: str) -> None:
        self._group = group
        name = quote(
            f"{subscription}-{group}".lower(), safe=""
        )  # the subscription is a cloud's word
        self._path = state_folder() / FOLDER / name
        self._lock = FileLock(f"{self._path}.lock", mode=0o600, thread_local=False)

    def acquire(self, own: Holder) -> None:
        """Raises StepError if another process holds it."""
        private_folder(self._path.parent)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise self._refusal() from None
        write(self._path, str(own))

    def release(self) -> None:
        self._lock.release()

    def _refusal(self) -> StepError:
        try:
            other = holder.parse(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            other = None
        if other:
            return other.refusal(self._group)
        return StepError(
            _(
                "Another run on this machine works on the resource group {group}.",
                group=self._group,
            ),
            why=holder.UNDOING,
            fix=_("Wait until it ends, or stop it."),
        )
