"""Unix domain sockets of internal servers, in a folder that only the owner can enter. TCP ports are
open to all users of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

LONGEST = 104
"""The length of a socket path, in bytes, that every system supports."""


def short(path: Path) -> str:
    """The socket path, relative to the working directory if that is shorter. Raises OSError if it is
    too long."""
    address = min(str(path.absolute()), os.path.relpath(path), key=len)
    if len(address.encode()) >= LONGEST:
        raise OSError(f"{path}: too long for the address of a socket")
    return address


class UnixSocketTransport(httpx.AsyncBaseTransport):
    """Sends requests to http://NAME to the socket `FOLDER/NAME/FILE`."""

    def __init__(self, folder: Path, file: str) -> None:
        self.folder, self.file = folder, file
        self._open: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        if name not in self._open:
            address = short(self.folder / name / self.file)
            self._open[name] = httpx.AsyncHTTPTransport(uds=address)
        return await self._open[name].handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._open.values():
            await transport.aclose()
