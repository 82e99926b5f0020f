"""Whether somebody reads what a command writes: the reader of a pipe may end before it (``| head``)."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import Event
from typing import TextIO

_gone = Event()


def let_go(*streams: TextIO) -> None:
    """Direct streams that nobody reads to the null device, standard output and error if none is named:
    Python flushes them at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams or (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # it may be no file, as in tests
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def lost() -> None:
    """Note that the reader of a pipe has gone."""
    _gone.set()


def has_gone() -> bool:
    """Whether the reader of a pipe has gone; a terminal that was closed is none."""
    return _gone.is_set()
