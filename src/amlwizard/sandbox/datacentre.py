"""The doors of the sandbox and what works behind them: every host name of Azure is a port here."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from tempfile import NamedTemporaryFile
from typing import Any

import uvicorn

from amlwizard.sandbox.children import Children
from amlwizard.sandbox.databricks.drivers import Drivers
from amlwizard.sandbox.entra import Tokens
from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.aks import certificate, frontend
from amlwizard.sandbox.serving import Serving
from amlwizard.sandbox.tracking import Tracking
from amlwizard.sandbox.vnet import Vnet
from amlwizard.sandbox.world import World

ML_WORKSPACE = "microsoft.machinelearningservices/workspaces"

TLS = "-tls"  # a load balancer that turns to HTTPS gets another door

App = Callable[..., Any]


class DataCentre:
    """`tls` holds the certificate that the doors show, the file `ca` that of who issued it."""

    def __init__(self, world: World, tokens: Tokens, tls: ssl.SSLContext, ca: str) -> None:
        self.world, self.tls = world, tls
        self.children = Children(world.folder)
        self.tracking = Tracking(world, tokens, self.children)
        self.serving = Serving(world, self)
        self.vnet = Vnet(self)
        self.drivers = Drivers(self, ca)
        self.app: App | None = None
        self._open: dict[str, socket.socket] = {}
        self._shown: dict[str, ssl.SSLContext] = {}
        self._servers: list[uvicorn.Server] = []
        self._tasks: list[asyncio.Task[None]] = []

    def port_of(
        self, kind: str, resource_id: str, *, closed: bool = False, tls: bool = True
    ) -> int:
        """The port that stands for a host name; opened on first use, the same after a restart.

        A `closed` door is held, but nobody listens: connections are refused.
        """
        shown: ssl.SSLContext | None = self.tls
        if kind.startswith("serving"):
            tls = tls and frontend(self.world, resource_id).tls
            shown = self._certificate(resource_id) if tls else None
            kind += TLS if tls else ""
        key = f"{kind}|{resource_id.lower()}"
        ports = self.world.data["ports"]
        door = self._open.get(key)
        if door is None:
            door = self._open[key] = bind(ports.get(key, 0))
            if not closed:
                self.serve(door, shown)
        ports[key] = door.getsockname()[1]
        return int(ports[key])

    def _certificate(self, cluster_id: str) -> ssl.SSLContext:
        """What the load balancer of a cluster shows, as its extension has it now. OpenSSL takes a
        certificate from files only."""
        own = certificate(self.world, cluster_id)
        if own is None:
            return self.tls
        made = self._shown.setdefault(cluster_id.lower(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        with NamedTemporaryFile(dir=self.children.temporary) as both:
            both.write(b"\n".join(own))
            both.flush()
            try:
                made.load_cert_chain(both.name)
            except ssl.SSLError:
                return self.tls  # no certificate that OpenSSL could show
        return made

    def who(self, port: int) -> tuple[str, str]:
        """The kind of door behind a port, and the resource; empty for the main one."""
        for key, number in self.world.data["ports"].items():
            if number == port:
                kind, _, resource_id = key.partition("|")
                return kind, resource_id
        return "", ""

    def serve(self, door: socket.socket, tls: ssl.SSLContext | None) -> None:
        assert self.app
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = tls
        server = _Server(config)
        self._servers.append(server)
        task = asyncio.get_running_loop().create_task(server.serve(sockets=[door]))
        self.world.watch(task, "a server of the sandbox")
        self._tasks.append(task)

    def reopen(self) -> None:
        """The doors that are always there; after a restart, every door of a resource that still
        exists, at its old port."""
        for side in ("services", "services-inside"):
            self.port_of(side, "")
        for key in list(self.world.data["ports"]):
            kind, _, resource_id = key.partition("|")
            resource = self.world.get(resource_id)
            if resource is None:
                continue
            reached = frontend(self.world, resource["id"])
            closed = kind.removesuffix(TLS) == "serving" and reached.internal
            self.port_of(kind.removesuffix(TLS), resource["id"], closed=closed)
        self.serving.resume()

    def gone(self, rid: ResourceId) -> None:
        """Stop what works for a resource that is being deleted; its document is still there."""
        stem = rid.text.lower()
        resource = self.world.get(stem)
        if resource and rid.type == ML_WORKSPACE:
            self.tracking.stop_one(resource["properties"]["workspaceId"])
        for cluster in self.world.data["databricks"].get(stem, {}).get("clusters", {}):
            self.drivers.end(cluster)
        for key in [k for k in self.serving.containers if k == stem or k.startswith(f"{stem}/")]:
            self.serving.stop_one(key)

    async def stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self.vnet.stop()
        self.serving.stop()
        self.tracking.stop()
        self.drivers.stop()
        await asyncio.wait(self._tasks, timeout=3) if self._tasks else None
        await self.children.stop()
        for door in self._open.values():
            door.close()


class _Server(uvicorn.Server):
    """Leaves the process's signals alone: several servers share it."""

    def capture_signals(self) -> Any:
        return contextlib.nullcontext()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What is idle is cut off: clients that keep a connection open never end TLS on it."""
        for connection in list(self.server_state.connections):
            connection.shutdown()
            transport = connection.transport
            # The TLS transport of CPython, once closed, has no buffer that could be asked for.
            with contextlib.suppress(AttributeError):
                if transport.is_closing() and not transport.get_write_buffer_size():
                    transport.abort()
        await super().shutdown(sockets)


def bind(port: int, *, exact: bool = False) -> socket.socket:
    """A door at that port; at any other where it is taken, unless it has to be `exact`."""
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is, and with it
    # on, every answer waits for the client's delayed acknowledgement: 40 ms a request.
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind(("127.0.0.1", port))
    except OSError as taken:
        if exact:
            raise OSError(taken.errno, taken.strerror, f"port {port}") from None
        door.bind(("127.0.0.1", 0))
    return door
