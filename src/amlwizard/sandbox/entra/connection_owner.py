"""Whether the user who runs the sandbox is the one who asks.

A port of loopback is open to every user of the machine. The system knows whose a connection is; Linux
tells it in /proc/net, in the rows of the far end.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from starlette.requests import Request

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
MAPPED = "0000000000000000FFFF0000"
"""Before an IPv4 address in the table of IPv6."""
TOLD = TABLES[0].exists()
"""Whether this system tells whose a connection is."""
ROOT = 0


def asks(request: Request) -> bool:
    """Whether the connection is one of the owner's (or root's, who may do anything anyway); False
    where the system does not tell."""
    near, far = request.scope["server"], request.scope["client"]
    return bool(near and far) and _user(tuple(far), tuple(near)) in (os.geteuid(), ROOT)


def _user(own: tuple[str, int], other: tuple[str, int]) -> int | None:
    """Who holds the end `own` of a connection on this machine to `other`."""
    wanted = [_written(own), _written(other)]
    for table in TABLES:
        for row in _rows(table):
            if [end.removeprefix(MAPPED) for end in row[1:3]] == wanted:
                return int(row[7])
    return None


def _written(end: tuple[str, int]) -> str:
    """An address and port as the tables write them: in the machine's order of bytes."""
    number = int.from_bytes(socket.inet_aton(end[0]), sys.byteorder)
    return f"{number:08X}:{end[1]:04X}"


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
