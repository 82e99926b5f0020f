"""Whether a connection belongs to the user who runs the sandbox.

A loopback port is open to every user of the machine. Linux shows in /proc/net which user owns the
other end of a connection; other systems do not.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from starlette.requests import Request

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
MAPPED = "0000000000000000FFFF0000"
"""The prefix of IPv4 addresses in the IPv6 table."""
IS_KNOWN = TABLES[0].exists()
"""Whether this system shows the owner of a connection."""
ROOT = 0


def is_owner(request: Request) -> bool:
    """Whether the client is the owner (or root, who may do anything anyway). False if the system
    does not show it."""
    near, far = request.scope["server"], request.scope["client"]
    return bool(near and far) and _user(tuple(far), tuple(near)) in (os.geteuid(), ROOT)


def _user(own: tuple[str, int], other: tuple[str, int]) -> int | None:
    """The user id that owns the end `own` of a connection to `other`."""
    wanted = [_written(own), _written(other)]
    for table in TABLES:
        for row in _rows(table):
            if [end.removeprefix(MAPPED) for end in row[1:3]] == wanted:
                return int(row[7])
    return None


def _written(end: tuple[str, int]) -> str:
    """An address and port as the tables write them, in native byte order."""
    number = int.from_bytes(socket.inet_aton(end[0]), sys.byteorder)
    return f"{number:08X}:{end[1]:04X}"


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
