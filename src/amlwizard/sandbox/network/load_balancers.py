"""The ports of the load balancers of AKS clusters, one outside and one inside the VNET."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import NamedTemporaryFile

from amlwizard.sandbox.network import dns
from amlwizard.sandbox.ports import PortPool
from amlwizard.sandbox.resource_types.aks import certificate, frontend, load_balancers
from amlwizard.sandbox.state import State

OUTSIDE, INSIDE = "serving", "serving-inside"
TLS = "-tls"
"""A load balancer that switches to HTTPS gets another port."""


class LoadBalancers:
    """`temporary` is a folder that only the owner can read."""

    def __init__(self, state: State, ports: PortPool, temporary: Path) -> None:
        self.state, self.ports, self.temporary = state, ports, temporary
        self._certificates: dict[str, ssl.SSLContext] = {}

    def port_of(self, cluster_id: str, *, inside: bool) -> int:
        """An internal load balancer refuses connections from outside the VNET."""
        reached = frontend(self.state, cluster_id)
        return self.ports.open(
            (INSIDE if inside else OUTSIDE) + (TLS if reached.tls else ""),
            cluster_id,
            self._certificate(cluster_id) if reached.tls else None,
            closed=reached.internal and not inside,
        )

    def answers_to(self, cluster_id: str, name: str) -> bool:
        """Whether the load balancer is addressed by its name, by a public one, or by its address."""
        published = dns.public(self.state, name) or [name]
        found = load_balancers.answering(self.state, published[0])
        is_address = found is not None and found[0]["id"].lower() == cluster_id.lower()
        return is_address or name == frontend(self.state, cluster_id).name.lower() != ""

    def _certificate(self, cluster_id: str) -> ssl.SSLContext:
        """The certificate of the extension; the sandbox's own if that is missing or invalid. OpenSSL
        loads certificates from files only."""
        own = certificate(self.state, cluster_id)
        if own is None:
            return self.ports.tls
        made = self._certificates.setdefault(
            cluster_id.lower(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        )
        with NamedTemporaryFile(dir=self.temporary) as both:
            both.write(b"\n".join(own))
            both.flush()
            try:
                made.load_cert_chain(both.name)
            except ssl.SSLError:
                return self.ports.tls
        return made
