"""Finds every process that descends from a test and still runs, orphans included."""

from __future__ import annotations

import os
import select
import signal
import uuid
from contextlib import suppress
from pathlib import Path
from time import monotonic

from support import PATIENCE

MARK = "PROCESS_OF_TEST"


class Family:
    """Processes with a mark in their environment, which children inherit and orphans keep."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.environment = {MARK: self.name}

    def members(self) -> dict[int, str]:
        """Arguments by process id; zombies are not included."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"{MARK}={self.name}".encode() in (folder / "environ").read_bytes():
                    arguments = (
                        (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                    )
                    found[int(folder.name)] = arguments
        return found

    def one(self, part: str) -> int:
        """The id of the only process whose arguments contain `part`."""
        found = [pid for pid, arguments in self.members().items() if part in arguments]
        assert len(found) == 1, self.members()
        return found[0]

    def wait_until_gone(self, seconds: float = PATIENCE) -> None:
        """Wait for the end of every member, including those that they may yet start."""
        deadline = monotonic() + seconds
        while left := self.members():
            for pid in left:
                with suppress(ProcessLookupError):
                    handle = os.pidfd_open(pid)
                    try:
                        ended, _, _ = select.select([handle], [], [], deadline - monotonic())
                    finally:
                        os.close(handle)
                    assert ended, f"still there: {self.members()}"
            assert monotonic() < deadline, f"still there: {self.members()}"

    def kill(self) -> None:
        """Kill what a failed test has left behind."""
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
