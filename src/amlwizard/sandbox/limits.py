"""How much of a request is read, and for how long, before anyone is asked who sent it.

The limits are the sandbox's own, and far beyond what its clients send.
"""

from __future__ import annotations

import asyncio

import h11
from starlette.types import Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_BYTES = 2**22
"""Of a body from anyone; of the first line and the headers, h11 reads 64 KiB."""
MOST_PROVEN_BYTES = 2**29
"""Of a body whose headers or URL prove who sends it: a blob with a signature, a scored request."""
HEAD_SECONDS, BODY_SECONDS = 30.0, 300.0
LATE = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class RefusedBodyError(Exception):
    """`status` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def body_of(receive: Receive, declared: int, most: int) -> bytes:
    """The body of a request, of which `declared` is the Content-Length, or 0. Raises
    RefusedBodyError if it is larger than `most`, does not come in time, or breaks off."""
    if declared > most:
        raise RefusedBodyError(413)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(receive, most)
    except TimeoutError:
        raise RefusedBodyError(408) from None


async def _read(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedBodyError(400)
        body += message.get("body", b"")
        if len(body) > most:
            raise RefusedBodyError(413)
        if not message.get("more_body"):
            return bytes(body)


class TimedProtocol(H11Protocol):
    """Ends connections on which no whole request head arrives in HEAD_SECONDS: uvicorn limits only
    the pause after a response."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:  # the head is not complete
            self._expect()
        else:
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._deadline = self._deadline or self.loop.call_later(HEAD_SECONDS, self._late)

    def _forget(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = None

    def _late(self) -> None:
        self.transport.write(LATE)
        self.transport.close()
