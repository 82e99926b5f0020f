"""The ports of the sandbox: each stands for a host name of Azure."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

import uvicorn
from starlette.types import ASGIApp

from amlwizard.sandbox.limits import TimedProtocol
from amlwizard.sandbox.state import State

BACKLOG = 128
DATE_SECONDS = 1
"""What a date in HTTP is exact to."""


class PortPool:
    """`tls` has the default certificate. `app` answers on all ports; it is set before the first is
    opened."""

    app: ASGIApp

    def __init__(self, state: State, tls: ssl.SSLContext) -> None:
        self.state, self.tls = state, tls
        self._sockets: dict[str, socket.socket] = {}
        self._servers: list[_PortServer] = []
        self._tasks: list[asyncio.Task[None]] = []

    def port_of(self, service: str, resource_id: str) -> int:
        """The HTTPS port that stands for the host name of a resource's `service`. Opened on first
        use; stays the same across restarts."""
        return self.open(service, resource_id, self.tls)

    def open(
        self, service: str, resource_id: str, tls: ssl.SSLContext | None, *, closed: bool = False
    ) -> int:
        """The same with another certificate, or without TLS (None). A `closed` port is reserved but
        refuses connections."""
        key = f"{service}|{resource_id.lower()}"
        ports = self.state.data.ports
        listener = self._sockets.get(key)
        if listener is None:
            listener = self._sockets[key] = bind(ports.get(key, 0))
            if not closed:
                self.serve(listener, tls)
        ports[key] = listener.getsockname()[1]
        return ports[key]

    def owner(self, port: int) -> tuple[str, str]:
        """The service and the resource behind a port; empty for the main one."""
        for key, number in self.state.data.ports.items():
            if number == port:
                service, _, resource_id = key.partition("|")
                return service, resource_id
        return "", ""

    def serve(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        config = uvicorn.Config(
            self.app,
            http=TimedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        config.load()
        listener.listen(BACKLOG)
        config.ssl = tls
        server = _PortServer(config)
        self._servers.append(server)
        task = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
        self.state.watch(task, "a server of the sandbox")
        self._tasks.append(task)

    def stop_serving(self) -> None:
        for server in self._servers:
            server.end()

    async def close(self) -> None:
        """Wait for the servers to end, and release the ports."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3)
        for listener in self._sockets.values():
            listener.close()


class _PortServer(uvicorn.Server):
    """Leaves the process's signals alone, and sleeps where uvicorn looks ten times a second whether
    it is to end, as there are many servers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which renews the date that answers carry
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DATE_SECONDS):
                    await self._ending.wait()

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Abort idle connections: clients that keep one open never end TLS on it."""
        for connection in list(self.server_state.connections):
            connection.shutdown()
            transport = connection.transport
            # The TLS transport of CPython, once closed, has no buffer that could be asked for.
            with contextlib.suppress(AttributeError):
                if transport.is_closing() and not transport.get_write_buffer_size():
                    transport.abort()
        await super().shutdown(sockets)


def bind(port: int, *, exact: bool = False) -> socket.socket:
    """A socket bound to a loopback port; to another one if it is taken, unless `exact`: then raises
    OSError."""
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is, and with it
    # on, every answer waits for the client's delayed acknowledgement: 40 ms a request.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as taken:
        if exact:
            raise OSError(taken.errno, taken.strerror, f"port {port}") from None
        listener.bind(("127.0.0.1", 0))
    return listener
