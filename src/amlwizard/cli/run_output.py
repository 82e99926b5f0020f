"""How a command shows a run."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping

from amlwizard import console
from amlwizard.cli.reader import discard_output, note_reader_gone
from amlwizard.events import Emit, Event
from amlwizard.run_control import RunControl
from amlwizard.view import RunView

UNREAD = (errno.EPIPE, errno.EIO)


def progress(as_json: bool, expected: Mapping[str, float] | None = None) -> Emit:
    """The display of a run: JSON lines, a live table on a terminal, plain lines elsewhere.
    `expected` are the seconds by step id, for the time left."""
    if as_json:
        return console.json_lines(sys.stdout)
    if sys.stdout.isatty():
        return console.LiveTable(console.output(sys.stdout), expected)
    return console.Lines(sys.stdout, expected=expected)


def while_read(emit: Emit, control: RunControl) -> Emit:
    """`emit`, until its output is no longer read: the reader of a pipe has ended (``| head``), or the
    terminal was closed. Then the run is cancelled."""

    def heeding(event: Event) -> None:
        try:
            emit(event)
        except OSError as error:
            if error.errno not in UNREAD:
                raise
            discard_output()
            if error.errno == errno.EPIPE:
                note_reader_gone()
            control.cancel()

    return heeding


class Watch:
    """Keeps the `RunView` of a run."""

    def __init__(self) -> None:
        self.view = RunView()

    def __call__(self, event: Event) -> None:
        self.view = self.view.apply(event)
