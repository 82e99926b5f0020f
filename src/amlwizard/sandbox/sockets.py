"""Servers of the sandbox that nobody reaches but by its doors: they listen on a socket of the file
system, in a folder that only its owner may enter. A port of this machine is open to every user."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

LONGEST = 104
"""Bytes of a socket's path that every system takes."""


def short(path: Path) -> str:
    """A path as a socket's address: relative to where this process is, where that is shorter.
    OSError where it is still too long."""
    address = min(str(path.absolute()), os.path.relpath(path), key=len)
    if len(address.encode()) >= LONGEST:
        raise OSError(f"{path}: too long for the address of a socket")
    return address


class BySocket(httpx.AsyncBaseTransport):
    """Sends what is asked of http://NAME to the socket `FOLDER/NAME/FILE`."""

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
