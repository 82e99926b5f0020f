"""Records a command as an asciinema cast (version 2: a JSON header, then JSON lines of seconds,
"o", text), in a pseudo-terminal of its own."""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import shutil
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

SIZE = (120, 36)
CHUNK = 65536


def record(file: str, command: Sequence[str]) -> int:
    """Run a command in a pseudo-terminal, write its output to `file`, return its exit code.

    The output is also shown if standard output is a terminal, whose size is then used; otherwise
    the size is 120 columns by 36 lines.
    """
    shown = sys.stdout.isatty()
    columns, lines = shutil.get_terminal_size(SIZE) if shown else SIZE
    child, terminal = pty.fork()
    if child == 0:
        # Before the command reads the size; the variables describe another terminal.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
        os.environ.setdefault("TERM", "xterm-256color")
        os.environ["COLORTERM"] = "truecolor"
        # This Python and our own arguments, without a shell that could read more into them.
        os.execv(command[0], list(command))  # noqa: S606
    header = {
        "version": 2,
        "width": columns,
        "height": lines,
        "timestamp": int(time.time()),
        "title": "amlwizard",
        "env": {"TERM": "xterm-256color"},
    }
    with Path(file).open("w", encoding="utf-8") as out:
        out.write(json.dumps(header) + "\n")
        _copy(terminal, out.write, shown)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _copy(terminal: int, write: object, shown: bool) -> None:
    assert callable(write)
    text = codecs.getincrementaldecoder("utf-8")("replace")
    began = time.monotonic()
    while True:
        try:
            data = os.read(terminal, CHUNK)
        except OSError:  # the other end is closed: EIO on Linux
            return
        if not data:
            return
        if shown:
            os.write(sys.stdout.fileno(), data)
        drawn = text.decode(data)
        if drawn:
            write(json.dumps([round(time.monotonic() - began, 6), "o", drawn]) + "\n")
