"""Rules about where ranges lie: the VNET, its subnets, the ranges of Kubernetes, what is connected."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.rules import address_plan
from amlwizard.rules.base import Rule, listed, rule
from amlwizard.rules.ranges import Ranges
from amlwizard.rules.space import (
    AKS_RESERVED,
    DEFAULTS,
    DOCKER,
    ENTRY,
    FORBIDDEN,
    NEIGHBOURS,
    OUTSIDE,
    PRIVATE,
    SUBNETS,
    Range,
    path,
    paths,
    touched,
    within,
)

VNET_DOCS = "Cloud Adoption Framework, Plan for IP addressing"
AKS_DOCS = "AKS, CNI networking overview"
PLANNING = "AKS, IP address planning"
ML_DOCS = "Azure Machine Learning, private link and secure workspace VNet"


# -- the VNET, and what Azure keeps


@rule(
    "VN-1",
    "Azure keeps multicast, loopback, link-local and its own DNS address out of every network.",
    "ranges",
    about=paths("vnet", *OUTSIDE),
    source=VNET_DOCS,
)
def forbidden(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    for name in ("vnet", *ranges.space.outside):
        bad = touched(ranges[name], FORBIDDEN)
        if bad:
            yield ranges.found(self, path(name), f"{ranges[name]} overlaps {bad}.", name)


@rule(
    "VN-2",
    "Public addresses inside a network hide the Internet hosts that own them.",
    "ranges",
    about=paths("vnet", *OUTSIDE),
    source=VNET_DOCS,
    severity="warning",
)
def private_space(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    for name in ("vnet", *ranges.space.outside):
        network = ranges[name]
        # A public pod range is an error of its own.
        if name != "pod_cidr" and not within(network, PRIVATE) and not touched(network, FORBIDDEN):
            yield ranges.found(
                self,
                path(name),
                f"{network} is not private address space.",
                name,
                otherwise="Use a range of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or "
                "100.64.0.0/10.",
            )


@rule(
    "VN-3",
    "AKS reserves 169.254.0.0/16, 172.30.0.0/16, 172.31.0.0/16 and 192.0.2.0/24.",
    "ranges",
    about=paths("vnet", *OUTSIDE),
    source=AKS_DOCS,
)
def aks_reserved(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    for name in ("vnet", *ranges.space.outside):
        bad = touched(ranges[name], AKS_RESERVED)
        if bad and not touched(ranges[name], FORBIDDEN):
            yield ranges.found(self, path(name), f"{ranges[name]} overlaps {bad}.", name)


@rule(
    "VN-4",
    "Machine Learning compute uses 172.17.0.0/16 for its Docker bridge.",
    "ranges",
    about=paths("vnet"),
    source=ML_DOCS,
)
def docker_bridge(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    if ranges["vnet"].overlaps(DOCKER):
        yield ranges.found(
            self, path("vnet"), f"The VNET {ranges['vnet']} overlaps {DOCKER}.", "vnet"
        )


# -- subnets, and what must not overlap


@rule(
    "SN-1",
    "A subnet lies inside its VNET.",
    "ranges",
    about=paths("vnet", *SUBNETS, *ENTRY.values()),
    source="Azure Resource Manager",
)
def inside(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    vnet = ranges["vnet"]
    lost = {
        n: network for n, network in ranges.space.subnets.items() if not network.subnet_of(vnet)
    }
    if lost:
        # Many at once have one cause: the VNET is another one now.
        fields = (*(path(name) for name in lost), path("vnet"))
        said = listed([f"{network} ({name})" for name, network in lost.items()])
        yield ranges.found(
            self,
            fields if len(lost) == 1 else (fields[-1], *fields[:-1]),
            f"{said} {'is' if len(lost) == 1 else 'are'} not inside the VNET {vnet}.",
            *lost,
            otherwise="Move the subnet, or enlarge the VNET.",
        )


@rule(
    "SN-5",
    "Subnets, the AKS service range and the pod range do not overlap one another.",
    "ranges",
    about=paths(*SUBNETS, *ENTRY.values(), "service_cidr", "pod_cidr"),
    source=PLANNING,
)
def disjoint(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    for one, other in ranges.overlaps({"subnet", "service", "pod"}):
        moving = _less_wanted(one, other)
        yield ranges.found(
            self,
            (one.path, other.path),
            f"{one.text} overlaps {other.text}.",
            moving.name,
        )


@rule(
    "SN-6",
    "A VNET, its service range and its pod range do not overlap networks that they can reach.",
    "ranges",
    about=paths("vnet", "service_cidr", "pod_cidr", *NEIGHBOURS),
    source=PLANNING,
)
def neighbours(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    yield from ranges.in_the_way(self, {"vnet", "service", "pod"}, set(NEIGHBOURS.values()))


@rule(
    "AK-3",
    "Inside the VNET a service range hides whatever gets its addresses later.",
    "ranges",
    about=paths("vnet", "service_cidr", "pod_cidr"),
    source="AKS, legacy CNI",
    severity="warning",
)
def service_in_vnet(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    for vnet, other in ranges.overlaps({"vnet"}, {"service", "pod"}):
        if not touched(other.network, ranges.space.subnets.values()):
            yield ranges.found(
                self,
                (other.path, vnet.path),
                f"{other.network} lies in the VNET {vnet.network}.",
                other.name,
                otherwise="Choose a range outside the VNET.",
            )


@rule(
    "AK-4",
    "The AKS DNS address lies in the service range and is neither its first nor second address.",
    "ranges",
    about=paths("dns_service_ip", "service_cidr"),
    source="AKS, DNS service IP",
)
def dns_address(self: Rule, ranges: Ranges) -> Iterator[Finding]:
    dns, service = ranges.space.dns, ranges["service_cidr"]
    if dns is None or (use_ := address_plan.dns_in(service, dns)) == dns:
        return
    if dns not in service:
        what = f"{dns} is not in the service range {service}."
    else:
        first = "the network address" if dns == service[0] else "kept for kubernetes.default"
        what = f"{dns} is {first}."
    fields = (path("dns_service_ip"), path("service_cidr"))
    yield self.finding(fields, what, cure={path("dns_service_ip"): str(use_)})


def _less_wanted(one: Range, other: Range) -> Range:
    """Of two in each other's way, the one to move: that which nobody chose, else the later one."""
    chosen = [r.network != DEFAULTS[r.name] for r in (one, other)]
    return one if chosen == [False, True] else other
