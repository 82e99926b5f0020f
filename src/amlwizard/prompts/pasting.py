"""Pastes at a prompt: all of their lines are one answer, and none is taken for the next question's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from amlwizard.fields import Pasted

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent

Taking = Callable[[str], Pasted]
"""What a question takes of a paste."""

TOGETHER = 0.05  # seconds in which the lines of a paste follow each other, and no person's
LONGEST = 65536  # bytes read at once


def rest(given: TextIO) -> str:
    """What has arrived at a terminal together with a line that was read of it, such as the other lines
    of a paste, of which the last need not have ended. Empty if `given` is no terminal."""
    if not given.isatty():
        return ""
    import select

    terminal, found = given.fileno(), b""
    with _unended_lines(terminal):
        while select.select([terminal], [], [], TOGETHER)[0]:
            read = os.read(terminal, LONGEST)
            if not read:
                break
            found += read
    return found.decode(given.encoding, "replace")


@contextmanager
def _unended_lines(terminal: int) -> Iterator[None]:
    """Let lines be read before they have ended."""
    import termios

    before, mode = termios.tcgetattr(terminal), termios.tcgetattr(terminal)
    mode[3] &= ~termios.ICANON
    termios.tcsetattr(terminal, termios.TCSANOW, mode)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def insert(event: KeyPressEvent, taking: Taking) -> None:
    """Insert what is taken of a paste that the terminal has marked as one, and say what was not."""
    from prompt_toolkit.application import run_in_terminal

    taken = taking("\n".join(event.data.splitlines()))
    line = event.current_buffer.document
    event.current_buffer.insert_text(taken.between(line.text_before_cursor, line.text_after_cursor))
    if taken.said:
        run_in_terminal(lambda: print(taken.said))
