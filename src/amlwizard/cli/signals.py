"""What signals do to a command that runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from amlwizard.errors import OperationCancelledError
from amlwizard.run_control import RunControl

SHOW_CURSOR = b"\x1b[?25h"  # a live table hides it


@contextmanager
def cancelling() -> Iterator[RunControl]:
    """Ctrl-C or SIGTERM cancels the run; a second one ends the process at once, whatever it waits
    for: an embedded sandbox ends with the process, and the next run finds what Azure has done."""
    control = RunControl()

    def stop(number: int, frame: object) -> None:
        if control.cancelled.is_set():
            if sys.stdout.isatty():
                os.write(1, SHOW_CURSOR)
            os._exit(OperationCancelledError.exit_code)
        control.cancel()
        # Not print: the signal may have interrupted one.
        os.write(2, b"\nCancelling; what Azure has begun goes on there.\n")

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield control
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
