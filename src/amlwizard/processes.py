"""Identifies a process in a form that outlives it. Other processes read it on a lock or a secret,
to tell whether the owner has ended."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import getnode

FORM = re.compile(r"([0-9a-f]{12})\.(\d{1,10})\.(\d{0,20})")


@dataclass(frozen=True)
class Process:
    """`machine` tells machines and containers apart, and one before its restart from one after;
    `started` tells processes of one id apart, and is empty where the system does not say."""

    machine: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.machine}.{self.pid}.{self.started}"

    @property
    def here(self) -> bool:
        """Whether it is a process of this machine."""
        return self.machine == _machine()

    @property
    def ended(self) -> bool:
        """Whether it is known to have ended; what other machines do is not."""
        if not self.here:
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass
        return _started(self.pid) != self.started


def current() -> Process:
    """This process."""
    return Process(_machine(), os.getpid(), _started(os.getpid()))


def parse(text: str) -> Process | None:
    """The process that `str` wrote; None for any other text."""
    found = FORM.fullmatch(text)
    return Process(found[1], int(found[2]), found[3]) if found else None


@cache
def _machine() -> str:
    known = [str(getnode())]
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        known = [boot, str(Path("/proc/self/ns/pid").readlink())]
    return sha256("".join(known).encode()).hexdigest()[:12]


def _started(pid: int) -> str:
    """Clock ticks from the start of the system to that of the process; "0" once it has ended and
    only waits for its parent."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "0" if state == "Z" else fields[18]
