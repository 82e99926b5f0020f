"""Addresses that each range needs, and how many nodes, pods and private endpoints fit into it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from amlwizard.design.subnets import DATABRICKS
from amlwizard.recipe import Security, Serving, Training
from amlwizard.rules.address_space import Space
from amlwizard.rules.base import usable

# Addresses of private endpoints by service: a registry has a second one for its data endpoint.
WORKSPACE_ENDPOINT = 3
ENDPOINTS = {"storage": 2, "key_vault": 1, "registry": 2}
BUILD_NODES = 1
# The longest and shortest prefixes that the rules accept without a finding; a load may need more.
LONGEST = {
    "vnet": 24, "databricks_public": 26, "databricks_private": 26, "bastion": 26, "gateway": 27,
    "service_cidr": 24, "pod_cidr": 24, "vpn_clients": 32,
}  # fmt: skip
LONGEST_SUBNET = LONGEST_SERVICES = 29
SHORTEST = {"vnet": 16, "service_cidr": 13}


@dataclass(frozen=True)
class Load:
    """What will run in the ranges, taken from the other sections. `nodes` is the maximum number of
    AKS nodes; `max_surge` is how many an upgrade adds to them.

    `fronts` counts addresses of the scoring subnet that are neither nodes nor pods: those of an
    internal load balancer and of a private API server.
    """

    endpoints: int = WORKSPACE_ENDPOINT + sum(ENDPOINTS.values())
    workers: int = 0
    nodes: int = 3
    max_surge: str = "1"
    overlay: bool = True
    max_pods: int = 110
    fronts: int = 0

    @property
    def surge(self) -> int:
        """Extra nodes that exist temporarily during an upgrade."""
        return surge_of(self.nodes, self.max_surge)

    @property
    def node(self) -> int:
        """Subnet addresses that one AKS node takes, including its pods unless overlay is used."""
        return 1 if self.overlay else 1 + self.max_pods

    def addresses(self, name: str) -> int:
        """How many usable addresses a range needs; 0 if only its rule determines its size."""
        if name == "workspace":
            return self.endpoints
        if name == "compute":
            return BUILD_NODES
        if name == "scoring":
            return (self.nodes + self.surge) * self.node + self.fronts
        return self.workers + 1 if name in DATABRICKS else 0

    def longest(self, name: str) -> int:
        """The longest prefix length that a range may have."""
        if name == "pod_cidr":
            return LONGEST[name] - (self.nodes + self.surge - 1).bit_length()
        length = LONGEST.get(name, LONGEST_SUBNET)
        while 2 ** (32 - length) - 5 < self.addresses(name):
            length -= 1
        return length


def surge_of(nodes: int, max_surge: str) -> int:
    """Extra nodes during an upgrade. `max_surge` is a number (``1``) or a share of the nodes
    (``33%``), which is rounded up."""
    share = max_surge.removesuffix("%")
    return -(-nodes * int(share) // 100) if share != max_surge else int(share)


def upgradable(room: int, max_surge: str) -> int:
    """The maximum number of nodes for which `room` suffices during an upgrade."""
    share = max_surge.removesuffix("%")
    if share == max_surge:
        return max(0, room - int(share))
    return room * 100 // (100 + int(share))


def load_of(
    security: Security | None = None,
    serving: Serving | None = None,
    training: Training | None = None,
) -> Load:
    """The load of a recipe's sections, with the defaults for a missing section."""
    load = Load()
    if security:
        private = (n for f, n in ENDPOINTS.items() if getattr(security, f) == "private-endpoint")
        load = replace(load, endpoints=WORKSPACE_ENDPOINT + sum(private))
    if training:
        load = replace(load, workers=training.most_workers)
    if serving:
        fronts = int(serving.load_balancer == "internal")
        fronts += int(security is not None and security.private_aks)
        load = replace(
            load,
            nodes=serving.most_nodes,
            max_surge=serving.max_surge,
            overlay=serving.network == "overlay",
            max_pods=serving.max_pods,
            fronts=fronts,
        )
    return load


@dataclass(frozen=True)
class Capacity:
    """What fits into a range and what is needed, both in `unit` (nodes, addresses...). `usable` is
    in addresses."""

    name: str
    network: IPv4Network
    usable: int
    fits: int
    needed: int
    unit: str

    @property
    def enough(self) -> bool:
        return self.fits >= self.needed


def capacities(space: Space, load: Load) -> list[Capacity]:
    """The capacity of every subnet, and of the pod range."""
    rows = [_capacity(name, network, load) for name, network in space.subnets.items()]
    pods = space.own.get("pod_cidr")
    if pods:
        fits = upgradable(pod_nodes(pods), load.max_surge)
        rows.append(Capacity("pod_cidr", pods, pods.num_addresses, fits, load.nodes, "nodes"))
    return rows


def _capacity(name: str, network: IPv4Network, load: Load) -> Capacity:
    have, need = usable(network), load.addresses(name)
    if name == "scoring":
        return Capacity(name, network, have, scoring_nodes(network, load), load.nodes, "nodes")
    return Capacity(name, network, have, have, need, UNITS.get(name, "addresses"))


UNITS = {"compute": "nodes", "databricks_public": "nodes", "databricks_private": "nodes"}


def scoring_nodes(network: IPv4Network, load: Load) -> int:
    """AKS nodes that fit into the scoring subnet besides `load.fronts`, with room for upgrades."""
    return upgradable(max(0, usable(network) - load.fronts) // load.node, load.max_surge)


def pod_nodes(pods: IPv4Network) -> int:
    """Nodes that fit into an overlay pod range: each takes a /24."""
    return int(2 ** (24 - pods.prefixlen)) if pods.prefixlen <= 24 else 0
