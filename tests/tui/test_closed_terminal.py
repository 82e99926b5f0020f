"""A terminal that is gone."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest
from support.breadth import narrowed


@pytest.mark.parametrize("typed", narrowed((b"", b"abc", b"abc" * 200), b"abc" * 200))
def test_a_terminal_that_is_gone_ends_it_while_it_draws(tmp_path: Path, typed: bytes) -> None:
    """As when a window is closed or SSH drops: what is still to be written has nowhere to go."""
    process, ours = pty.fork()
    if process == 0:
        os.environ.update(
            AMLWIZARD_HOME=str(tmp_path), TERM="xterm-256color", COLUMNS="80", LINES="24"
        )
        os.execv(sys.executable, [sys.executable, "-m", "amlwizard"])  # noqa: S606 - in a pty of its own
    seen = b""
    while b"New recipe" not in seen:
        seen += os.read(ours, 65536)
    os.write(ours, b"\r" + typed)
    os.close(ours)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 130
