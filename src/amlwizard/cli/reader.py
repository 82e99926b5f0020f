"""Broken pipes: whoever reads the output of a command may end before it does (``| head``)."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import Event
from typing import TextIO

_gone = Event()


def discard_output(*streams: TextIO) -> None:
    """Redirect these streams (by default standard output and error) to the null device: Python
    flushes them when it exits, which would fail on a closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams or (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # it may be no file, as in tests
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def note_reader_gone() -> None:
    """Remember that the reader of the output has ended."""
    _gone.set()


def reader_has_gone() -> bool:
    """Whether the reader of the output has ended; a closed terminal does not count."""
    return _gone.is_set()
