"""The network of a VNET as an HTTP proxy, which resolves names and routes connections.

A connection to a host name of Azure goes where the VNET's DNS resolves it: to the private port of a
resource with a private endpoint, to the public one otherwise. The ports of ML workspaces and AKS load
balancers stand for host names, too.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
from urllib.parse import urlsplit

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.limits import HEAD_SECONDS
from amlwizard.sandbox.network import dns, firewalls
from amlwizard.sandbox.network.load_balancers import OUTSIDE, LoadBalancers
from amlwizard.sandbox.ports import PortPool
from amlwizard.sandbox.resource_types.aks import load_balancers
from amlwizard.sandbox.state import State

INTERNET = "internet"


class Vnet:
    def __init__(self, state: State, ports: PortPool, balancers: LoadBalancers) -> None:
        self.state, self.ports, self.balancers = state, ports, balancers
        self.server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    def proxy_for(self, vnet_id: str) -> str:
        """The proxy URL for a node in a VNET (identified by the credentials), or for INTERNET."""
        name = base64.urlsafe_b64encode(vnet_id.encode()).decode().rstrip("=")
        token = self.state.derive("vnet", vnet_id.lower())[:24]
        return f"http://{name}:{token}@127.0.0.1:{self.port}"

    def _vnet_of(self, header: str) -> str | None:
        with contextlib.suppress(ValueError):
            user, _, token = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
            vnet_id = base64.urlsafe_b64decode(user + "=" * (-len(user) % 4)).decode()
            wanted = self.state.derive("vnet", vnet_id.lower())[:24]
            if hmac.compare_digest(token.encode(), wanted.encode()):
                return vnet_id
        return None

    def route(self, vnet_id: str, port: int) -> int:
        """The port that a connection to `port` from the VNET is routed to."""
        kind, resource_id = self.ports.owner(port)
        workspace = self.state.get(resource_id) if kind == "ml" else None
        if workspace and dns.reaches_privately(self.state, vnet_id, workspace, "amlworkspace"):
            return self.ports.port_of("ml-inside", resource_id)
        if kind == OUTSIDE and self._holds(vnet_id, self.state.get(resource_id)):
            return self.balancers.port_of(resource_id, inside=True)
        return port

    def _holds(self, vnet_id: str, cluster: JsonObject | None) -> bool:
        """Whether the nodes of a cluster are in a VNET."""
        pools = cluster["properties"]["agentPoolProfiles"] if cluster else []
        subnets = [(pool.get("vnetSubnetID") or "").lower() for pool in pools]
        return any(s.startswith(f"{vnet_id.lower()}/") for s in subnets)

    def balancer(self, vnet_id: str, host: str) -> int | None:
        """The port of the load balancer with that address or name, seen from a VNET or INTERNET."""
        outside = vnet_id == INTERNET
        found = dns.public(self.state, host) if outside else self.resolve(vnet_id, host)
        answering = load_balancers.answering(self.state, found[0] if found else host)
        if answering is None:
            return None
        cluster, internal = answering
        own = self._holds(vnet_id, cluster)
        if internal and not own:
            return None
        return self.balancers.port_of(cluster["id"], inside=own)

    def resolve(self, vnet_id: str, name: str) -> list[str]:
        """The addresses of a name in the VNET; empty if it does not exist."""
        return dns.inside(self.state, vnet_id, name) or []

    def named(self, vnet_id: str, name: str) -> int | None:
        """The port of a host name of Azure, seen from a VNET; None if it is unreachable."""
        addresses, found = self.resolve(vnet_id, name), dns.owner(self.state, name)
        if not addresses or found is None:
            return None
        resource, group = found
        inside = dns.endpoint_at(self.state, vnet_id, addresses[0]) is not None
        if not inside and addresses != dns.public(self.state, name):
            return None
        if group == "amlworkspace":
            return self.ports.port_of("ml-inside" if inside else "ml", resource["id"])
        listed = firewalls.lists_subnet_of(resource, vnet_id)
        return self.ports.port_of("services-inside" if inside or listed else "services", "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError
        ):
            await self._connect(reader, writer)
        writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {
            k.strip().lower(): v.strip()
            for k, _, v in (line.partition(":") for line in lines if line)
        }
        vnet_id = self._vnet_of(headers.get("proxy-authorization", ""))
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        port = self._port(vnet_id, url.hostname or "", url.port)
        if port is None:
            await _refuse(writer, "502 Bad Gateway")
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await _refuse(writer, "504 Gateway Timeout")
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
        else:
            path = url.path + (f"?{url.query}" if url.query else "")
            kept = [
                line
                for line in lines
                if line and not line.lower().startswith(("proxy-", "connection:"))
            ]
            far_writer.write(
                "\r\n".join(
                    [f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]
                ).encode("latin-1")
            )
        await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))

    def _port(self, vnet_id: str | None, host: str, port: int | None) -> int | None:
        if vnet_id is None or not port:
            return None
        inside = vnet_id != INTERNET
        if inside and host in ("127.0.0.1", "localhost"):
            return self.route(vnet_id, port)
        if port != 443:
            return None
        return self.balancer(vnet_id, host) or (self.named(vnet_id, host) if inside else None)

    def stop(self) -> None:
        if self.server:
            self.server.close()


async def _refuse(writer: asyncio.StreamWriter, status: str) -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
