"""Rules about address ranges: VNET, subnets, AKS, Databricks, Machine Learning."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Any

from amlwizard.errors import Finding
from amlwizard.rules.base import Rule, rule, usable

SUBNETS = ("workspace", "compute", "scoring", "databricks_public", "databricks_private")
DATABRICKS = ("databricks_public", "databricks_private")
# Subnets of a secure entry, by the choice that asks for them.
ENTRY = {"bastion": "bastion", "vpn-gateway": "gateway"}
VNET_DOCS = "Cloud Adoption Framework, Plan for IP addressing"
AKS_DOCS = "AKS, CNI networking overview"
PLANNING = "AKS, IP address planning"
OVERLAY = "AKS, Azure CNI Overlay"
DATABRICKS_DOCS = "Azure Databricks, VNet injection"
ML_DOCS = "Azure Machine Learning, private link and secure workspace VNet"


def networks(*texts: str) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(text) for text in texts)


FORBIDDEN = networks(
    "224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"
)
PRIVATE = networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
AKS_RESERVED = networks("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")
DOCKER = IPv4Network("172.17.0.0/16")


def path(name: str) -> str:
    return f"addresses.{name}"


def subnets(security: Any) -> tuple[str, ...]:
    """The fields of all subnets that a recipe has: the five, and that of its secure entry."""
    entry = ENTRY.get(security.secure_entry)
    return (*SUBNETS, entry) if entry else SUBNETS


def within(network: IPv4Network, ranges: tuple[IPv4Network, ...]) -> bool:
    return any(network.subnet_of(outer) for outer in ranges)


@rule(
    "VN-1",
    "Azure keeps multicast, loopback, link-local and its own DNS address out of every VNET.",
    "addresses",
    source=VNET_DOCS,
)
def forbidden(self: Rule, a: Any) -> Iterator[Finding]:
    bad = next((f for f in FORBIDDEN if a.vnet.overlaps(f)), None)
    if bad:
        yield self.finding(
            path("vnet"),
            f"The VNET {a.vnet} overlaps {bad}.",
            "Use a private range: 10.100.0.0/16.",
        )


@rule(
    "VN-2",
    "Public addresses inside a VNET hide the Internet hosts that own them.",
    "addresses",
    source=VNET_DOCS,
    severity="warning",
)
def private_space(self: Rule, a: Any) -> Iterator[Finding]:
    if not within(a.vnet, PRIVATE) and not any(a.vnet.overlaps(f) for f in FORBIDDEN):
        yield self.finding(
            path("vnet"),
            f"The VNET {a.vnet} is not private address space.",
            "Use a range of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10.",
        )


@rule(
    "VN-3",
    "AKS reserves 169.254.0.0/16, 172.30.0.0/16, 172.31.0.0/16 and 192.0.2.0/24.",
    "addresses",
    source=AKS_DOCS,
)
def aks_reserved(self: Rule, a: Any) -> Iterator[Finding]:
    for name in ("vnet", "service_cidr", "pod_cidr"):
        network = getattr(a, name)
        bad = next((r for r in AKS_RESERVED if network.overlaps(r)), None)
        if bad and not (name == "vnet" and any(network.overlaps(f) for f in FORBIDDEN)):
            yield self.finding(path(name), f"{network} overlaps {bad}.", "Choose another range.")


@rule(
    "VN-4",
    "Machine Learning compute uses 172.17.0.0/16 for its Docker bridge.",
    "addresses",
    source=ML_DOCS,
)
def docker_bridge(self: Rule, a: Any) -> Iterator[Finding]:
    if a.vnet.overlaps(DOCKER):
        yield self.finding(
            path("vnet"), f"The VNET {a.vnet} overlaps {DOCKER}.", "Choose another range."
        )


@rule(
    "VN-5",
    "The VNET of a Databricks workspace is from /16 to /24.",
    "addresses",
    source=DATABRICKS_DOCS,
)
def vnet_size(self: Rule, a: Any) -> Iterator[Finding]:
    if not 16 <= a.vnet.prefixlen <= 24:
        yield self.finding(
            path("vnet"),
            f"The VNET is a /{a.vnet.prefixlen}.",
            f"Use a /16 to /24, such as {a.vnet.network_address}/16."
            if a.vnet.prefixlen > 24 or a.vnet.prefixlen < 16
            else "",
        )


@rule("SN-1", "A subnet lies inside its VNET.", "addresses", source="Azure Resource Manager")
def inside(self: Rule, a: Any) -> Iterator[Finding]:
    for name in SUBNETS:
        network = getattr(a, name)
        if not network.subnet_of(a.vnet):
            yield self.finding(
                (path(name), path("vnet")),
                f"{network} is not inside the VNET {a.vnet}.",
                "Move the subnet, or enlarge the VNET.",
            )


@rule("SN-2", "A subnet is a /29 or larger.", "addresses", source="Azure Resource Manager")
def subnet_size(self: Rule, a: Any) -> Iterator[Finding]:
    for name in SUBNETS:
        network = getattr(a, name)
        if network.prefixlen > 29 and name not in DATABRICKS:
            yield self.finding(path(name), f"{network} is too small.", "Use a /29 or larger.")


def ranges(a: Any, overlay: bool = True) -> list[tuple[str, IPv4Network]]:
    """Every range that must be disjoint from the others, with its field."""
    found = [(path(name), getattr(a, name)) for name in SUBNETS]
    found.append((path("service_cidr"), a.service_cidr))
    if overlay:
        found.append((path("pod_cidr"), a.pod_cidr))
    return found


@rule(
    "SN-5",
    "Subnets, the AKS service range and the pod range do not overlap one another.",
    "addresses",
    "serving",
    source=PLANNING,
)
def disjoint(self: Rule, a: Any, serving: Any) -> Iterator[Finding]:
    for (one, first), (other, second) in combinations(ranges(a, serving.network == "overlay"), 2):
        if first.overlaps(second):
            yield self.finding(
                (one, other),
                f"{first} ({one}) overlaps {second} ({other}).",
                "Move one of them: `suggest a free plan` finds ranges that fit.",
            )


@rule(
    "SN-6",
    "A VNET, its service range and its pod range do not overlap networks that they can reach.",
    "addresses",
    "serving",
    source=PLANNING,
)
def neighbours(self: Rule, a: Any, serving: Any) -> Iterator[Finding]:
    own = [(path("vnet"), a.vnet), (path("service_cidr"), a.service_cidr)]
    if serving.network == "overlay":
        own.append((path("pod_cidr"), a.pod_cidr))
    for group in ("peered", "on_premises"):
        for number, network in enumerate(getattr(a, group)):
            for field, mine in own:
                if mine.overlaps(network):
                    yield self.finding(
                        (field, f"{path(group)}.{number}"),
                        f"{mine} ({field}) overlaps {network} ({path(group)}).",
                        "Choose a range that no connected network uses.",
                    )


@rule(
    "DB-1",
    "Each of the two Databricks subnets is a /26 or larger.",
    "addresses",
    source=DATABRICKS_DOCS,
)
def databricks_size(self: Rule, a: Any) -> Iterator[Finding]:
    for name in DATABRICKS:
        network = getattr(a, name)
        if network.prefixlen > 26:
            yield self.finding(
                path(name), f"{network} is too small for Databricks.", "Use a /26 or larger."
            )


@rule(
    "DB-5",
    "A cluster node takes one address in each Databricks subnet.",
    "addresses",
    "training",
    source=DATABRICKS_DOCS,
)
def databricks_nodes(self: Rule, a: Any, training: Any) -> Iterator[Finding]:
    nodes = training.workers + 1
    large = [name for name in DATABRICKS if getattr(a, name).prefixlen <= 26]
    tight = [name for name in large if nodes > usable(getattr(a, name))]
    if tight:
        least = min((getattr(a, name) for name in tight), key=usable)
        yield self.finding(
            (*(path(name) for name in tight), "training.workers"),
            f"{nodes} nodes do not fit into {least}: it has {usable(least)} addresses.",
            "Use larger subnets, or fewer workers.",
        )


@rule(
    "PE-1",
    "The private endpoints of workspace, storage, vault and registry take up to 8 addresses.",
    "addresses",
    source="Azure Private Link",
)
def private_endpoint_room(self: Rule, a: Any) -> Iterator[Finding]:
    if a.workspace.prefixlen <= 29 and usable(a.workspace) < 8:
        yield self.finding(
            path("workspace"),
            f"{a.workspace} has {usable(a.workspace)} addresses.",
            "Use a /28 or larger; /27 leaves room.",
        )


@rule("AK-2", "The AKS service range is smaller than /12.", "addresses", source=PLANNING)
def service_size(self: Rule, a: Any) -> Iterator[Finding]:
    if a.service_cidr.prefixlen < 13:
        yield self.finding(
            path("service_cidr"),
            f"The service range {a.service_cidr} is too large.",
            f"Use a /13 or smaller, such as {a.service_cidr.network_address}/16.",
        )


@rule(
    "AK-3",
    "Inside the VNET a service range hides whatever gets its addresses later.",
    "addresses",
    "serving",
    source="AKS, legacy CNI",
    severity="warning",
)
def service_in_vnet(self: Rule, a: Any, serving: Any) -> Iterator[Finding]:
    names = ["service_cidr"] + (["pod_cidr"] if serving.network == "overlay" else [])
    for name in names:
        network = getattr(a, name)
        if network.overlaps(a.vnet) and not any(
            network.overlaps(getattr(a, subnet)) for subnet in SUBNETS
        ):
            yield self.finding(
                (path(name), path("vnet")),
                f"{network} lies in the VNET {a.vnet}.",
                "Choose a range outside the VNET.",
            )


@rule(
    "AK-4",
    "The AKS DNS address lies in the service range and is neither its first nor second address.",
    "addresses",
    source="AKS, DNS service IP",
)
def dns_address(self: Rule, a: Any) -> Iterator[Finding]:
    dns: IPv4Address = a.dns_service_ip
    service: IPv4Network = a.service_cidr
    cure = str(service[10]) if service.num_addresses > 10 else str(service[-1])
    fields = (path("dns_service_ip"), path("service_cidr"))
    if dns not in service:
        yield self.finding(fields, f"{dns} is not in the service range {service}.", f"Use {cure}.")
    elif int(dns) - int(service.network_address) < 2:
        first = "the network address" if dns == service[0] else "kept for kubernetes.default"
        yield self.finding(fields, f"{dns} is {first}.", f"Use {cure}.")


@rule(
    "AK-6",
    "With overlay, every node takes a /24 of the pod range, which is private or 100.64.0.0/10.",
    "addresses",
    "serving",
    source=OVERLAY,
)
def pod_range(self: Rule, a: Any, serving: Any) -> Iterator[Finding]:
    if serving.network != "overlay":
        return
    pods: IPv4Network = a.pod_cidr
    room = 2 ** (24 - pods.prefixlen) if pods.prefixlen <= 24 else 0
    if serving.nodes + 1 > room:
        yield self.finding(
            (path("pod_cidr"), "serving.nodes"),
            f"{pods} has room for {room} nodes: {serving.nodes} and one for upgrades are needed.",
            f"Use {pods.network_address}/16 or fewer nodes.",
        )
    if not within(pods, PRIVATE) and not any(pods.overlaps(r) for r in AKS_RESERVED):
        yield self.finding(
            path("pod_cidr"), f"{pods} is not private address space.", "Use 10.244.0.0/16."
        )


@rule(
    "AK-7",
    "With overlay, every node takes one address of its subnet; upgrades and load balancers too.",
    "addresses",
    "serving",
    source=OVERLAY,
)
def overlay_nodes(self: Rule, a: Any, serving: Any) -> Iterator[Finding]:
    need = serving.nodes + 1 + (1 if serving.load_balancer == "internal" else 0)
    if serving.network == "overlay" and need > usable(a.scoring):
        yield self.finding(
            (path("scoring"), "serving.nodes"),
            f"{need} addresses do not fit into {a.scoring}: it has {usable(a.scoring)}.",
            "Use a larger subnet, or fewer nodes.",
        )


def pod_addresses(nodes: int, max_pods: int) -> int:
    """Addresses that node-subnet CNI takes: nodes, one for upgrades, and every pod of each."""
    return (nodes + 1) * (1 + max_pods)


@rule(
    "AK-8",
    "Without overlay, every node and every pod that it may run takes an address of the subnet.",
    "addresses",
    "serving",
    source=PLANNING,
)
def node_subnet(self: Rule, a: Any, serving: Any) -> Iterator[Finding]:
    if serving.network != "node-subnet":
        return
    need, have = pod_addresses(serving.nodes, serving.max_pods), usable(a.scoring)
    if need > have:
        fit = max(0, have // (1 + serving.max_pods) - 1)
        yield self.finding(
            (path("scoring"), "serving.nodes", "serving.max_pods"),
            f"{serving.nodes} nodes of {serving.max_pods} pods need {need} addresses; "
            f"{a.scoring} has {have}, enough for {fit} nodes.",
            "Use serving.network: overlay, a larger subnet, or fewer pods per node.",
        )


@rule(
    "AK-9",
    "A pool has room for 30 pods or more.",
    "serving",
    source=PLANNING,
)
def pod_room(self: Rule, serving: Any) -> Iterator[Finding]:
    if serving.nodes * serving.max_pods < 30:
        yield self.finding(
            ("serving.max_pods", "serving.nodes"),
            f"{serving.nodes} nodes of {serving.max_pods} pods are fewer than 30 pods.",
            "Use more nodes, or more pods per node.",
        )
