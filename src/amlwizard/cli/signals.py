"""What signals do to a command: Ctrl-C, SIGTERM, and SIGHUP, which a closing terminal sends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from amlwizard.errors import OperationCancelledError
from amlwizard.language import _
from amlwizard.run_control import RunControl, reported_by, signals_handled_by

SHOW_CURSOR = b"\x1b[?25h"  # a live table hides it
ABOUT_WORK = _("Cancelling. What the cloud has begun goes on there; a replay takes it up.")
ABOUT_READING = _("Cancelling; nothing was changed.")


@contextmanager
def cancelling(word: str = ABOUT_WORK, control: RunControl | None = None) -> Iterator[RunControl]:
    """The first signal cancels the work of the block, by `control`, and says `word`. A second one
    ends the process at once, whatever it waits for: an embedded sandbox ends with the process, and
    the next run finds what Azure has done. What the work waits for is told on standard error, unless a
    step tells it."""
    control = control or RunControl()

    def stop(number: int, frame: FrameType | None) -> None:
        if control.cancelled.is_set():
            if sys.stdout.isatty():
                _tell(1, SHOW_CURSOR)
            os._exit(OperationCancelledError.exit_code)
        control.cancel()
        _tell(2, f"\n{word}\n".encode())

    with signals_handled_by(stop), reported_by(_report):
        yield control


def _report(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _tell(file: int, text: bytes) -> None:
    # Not print: the signal may have interrupted one. The terminal may be gone.
    with suppress(OSError):
        os.write(file, text)
