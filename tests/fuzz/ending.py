"""How every command must end, whatever it was given."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from support import Ran
from support.hostile import obeyed

from amlwizard.cli import main

CODES = (0, 1, 2, 3)  # nobody cancels anything here
LONGEST = 5_000_000  # characters


@contextmanager
def folder(**more: str) -> Iterator[Path]:
    """An empty folder that commands keep their files in, with further variables."""
    with (
        tempfile.TemporaryDirectory() as name,
        patch.dict(os.environ, {"AMLWIZARD_HOME": name, **more}),
    ):
        yield Path(name)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def ended(*arguments: str, logged: bool = False, terminal: bool = False) -> Ran:
    """A command that ended, in this process, as every command must; AssertionError otherwise.
    `logged`: it may have added to the log, for which an answer of a cloud is a reason; `terminal`:
    it writes to one."""
    out, errors = (Terminal(), Terminal()) if terminal else (StringIO(), StringIO())
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            code = main(arguments)
        except SystemExit as error:  # of argparse
            code = int(error.code or 0)
    ran = Ran(code, out.getvalue(), errors.getvalue())
    said = ran.out + ran.err
    log = Path(os.environ["AMLWIZARD_HOME"]) / "amlwizard.log"
    assert logged or not log.exists(), log.read_text()
    assert ran.code in CODES
    assert "Traceback" not in said
    assert "did not foresee" not in said
    assert obeyed(said) == []
    assert len(said) < LONGEST
    assert ran.code == 0 or said.strip(), "a failure without a word"
    return ran
