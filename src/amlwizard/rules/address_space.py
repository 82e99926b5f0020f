"""The address space of a recipe as values: its ranges, their overlaps and the free gaps. The single
declaration of ranges, shared by rules, plans and the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from itertools import islice
from typing import Literal

from amlwizard.design.subnets import SUBNETS, subnets
from amlwizard.recipe import Addresses, Sections, title

Kind = Literal["vnet", "subnet", "service", "pod", "clients", "reserved", "peered", "on-premises"]

# Ranges outside the VNET, which must not overlap it.
OUTSIDE: Mapping[str, Kind] = {
    "service_cidr": "service", "pod_cidr": "pod", "vpn_clients": "clients",
}  # fmt: skip
IN_VNET: frozenset[Kind] = frozenset({"subnet", "reserved"})
NEIGHBOURS: Mapping[str, Kind] = {"peered": "peered", "on_premises": "on-premises"}
DEFAULTS: Mapping[str, IPv4Network] = {
    name: info.default
    for name, info in Addresses.model_fields.items()
    if isinstance(info.default, IPv4Network)
}


def networks(*texts: str) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(text) for text in texts)


PRIVATE = networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
# Reserved by Azure.
FORBIDDEN = networks(
    "224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"
)
AKS_RESERVED = networks("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")
DOCKER = IPv4Network("172.17.0.0/16")
MOST_PAIRS = 2000  # half a million pairs, if nearly all of 1000 ranges overlap, would help no one
LARGEST = 8  # the prefix length of the largest private range


def path(name: str) -> str:
    """The recipe path of a field: ``addresses.vnet`` for ``vnet``."""
    return f"addresses.{name}"


def paths(*names: str) -> tuple[str, ...]:
    return tuple(map(path, names))


@dataclass(frozen=True, slots=True)
class Range:
    """A range in use. `path` is its recipe path, such as ``addresses.peered.0``; `label` is its own
    name if it has one."""

    path: str
    network: IPv4Network
    kind: Kind
    label: str = ""

    @property
    def name(self) -> str:
        """Its field in `addresses`: ``peered``."""
        return self.path.split(".")[1]

    @property
    def text(self) -> str:
        """``10.1.0.0/16 (Peered ranges)``."""
        return f"{self.network} ({self.label or title(self.path)})"

    @property
    def route(self) -> bool:
        """Whether it is a route rather than addresses in use: a default route, or half of one."""
        return self.kind == "on-premises" and self.network.prefixlen < LARGEST

    def holds(self, network: IPv4Network) -> bool:
        """Whether this is an on-premises range that contains the network as a proper part. That is
        allowed, since the longer prefix wins in routing."""
        held = self.network != network and network.subnet_of(self.network)
        return self.kind == "on-premises" and held


@dataclass(frozen=True, slots=True)
class Gap:
    """Unused addresses from `first` to `last`, inclusive."""

    first: int
    last: int

    @property
    def addresses(self) -> int:
        return self.last - self.first + 1

    def networks(self) -> list[IPv4Network]:
        """The fewest prefixes that exactly fill the gap."""
        return list(summarize_address_range(IPv4Address(self.first), IPv4Address(self.last)))


@dataclass(frozen=True)
class Space:
    """`names` are the fields of the ranges in use; `own` maps those that are valid to their range.
    `reserved` are subnets of others in the VNET, `neighbours` peered or on-premises ranges. `dns`
    is the address of the Kubernetes DNS service.
    """

    names: tuple[str, ...] = ()
    own: Mapping[str, IPv4Network] = field(default_factory=dict)
    reserved: tuple[Range, ...] = ()
    neighbours: tuple[Range, ...] = ()
    dns: IPv4Address | None = None

    @property
    def vnet(self) -> IPv4Network | None:
        return self.own.get("vnet")

    @property
    def subnets(self) -> dict[str, IPv4Network]:
        return {name: network for name, network in self.own.items() if kind(name) == "subnet"}

    @property
    def outside(self) -> dict[str, IPv4Network]:
        return {name: network for name, network in self.own.items() if name in OUTSIDE}

    def ranges(self) -> list[Range]:
        """Every range: own ones in recipe order, then `reserved`, then `neighbours`."""
        own = [Range(path(name), network, kind(name)) for name, network in self.own.items()]
        return [*own, *self.reserved, *self.neighbours]

    def overlaps(self) -> Iterator[tuple[Range, Range]]:
        """Every pair of ranges that overlap and must not, ours first; no more than MOST_PAIRS."""
        return iter(self._pairs)

    @cached_property
    def _pairs(self) -> Sequence[tuple[Range, Range]]:
        """Found once: many rules ask for them."""
        return tuple(islice(self._overlaps(), MOST_PAIRS))

    def _overlaps(self) -> Iterator[tuple[Range, Range]]:
        ranges = self.ranges()
        spans = [bounds(found.network) for found in ranges]
        # Overlaps between neighbours are not our concern.
        for mine, one in enumerate(ranges[: len(ranges) - len(self.neighbours)]):
            first, last = spans[mine]
            for number in range(mine + 1, len(ranges)):
                other, (start, end) = ranges[number], spans[number]
                if first <= end and start <= last and self._must_not_overlap(one, other):
                    yield one, other

    def _must_not_overlap(self, one: Range, other: Range) -> bool:
        kinds = {one.kind, other.kind}
        if "vnet" in kinds and kinds & IN_VNET:
            return False
        if other.route or (one.kind == "vnet" and other.holds(one.network)):
            return False
        if kinds & IN_VNET and kinds & {"clients", *NEIGHBOURS.values()}:
            # If the subnet is inside the VNET, the overlap is reported for the VNET.
            subnet = one if one.kind in IN_VNET else other
            return self.vnet is None or not subnet.network.subnet_of(self.vnet)
        return True

    def gaps(self) -> list[Gap]:
        """The free gaps inside the VNET, in address order."""
        if self.vnet is None:
            return []
        others = (r.network for r in self.ranges() if r.kind != "vnet")
        return list(free(self.vnet, others))

    def moved(self, places: Mapping[str, IPv4Network], dns: IPv4Address | None) -> Space:
        """A copy with new ranges for the fields in `places`, and the DNS address `dns`."""
        return replace(self, own={**self.own, **places}, dns=dns)


def kind(name: str) -> Kind:
    return "vnet" if name == "vnet" else OUTSIDE.get(name, "subnet")


def outsized(name: str, network: IPv4Network | None) -> bool:
    """Whether a range outside the VNET is larger than its default. Kubernetes ranges are often
    chosen far too large and then cause conflicts."""
    return name in OUTSIDE and network is not None and network.prefixlen < DEFAULTS[name].prefixlen


def space_of(sections: Sections) -> Space:
    """The address space of a recipe's valid values. The ranges of a secure entry and of pods count
    only if the section that enables them exists and does so."""
    addresses, security, serving = (
        sections.addresses or Addresses(),
        sections.security,
        sections.serving,
    )
    names = ["vnet", *(subnets(security) if security else SUBNETS), "service_cidr"]
    if serving and serving.network == "overlay" and sections.knows("serving.network"):
        names.append("pod_cidr")
    if security and security.secure_entry == "vpn-gateway":
        names.append("vpn_clients")
    unknown = sections.unknown
    reserved = (
        Range(f"{path('reserved')}.{number}", subnet.range, "reserved", subnet.name)
        for number, subnet in enumerate(addresses.reserved)
        if f"{path('reserved')}.{number}.range" not in unknown
    )
    neighbours = (
        Range(f"{path(group)}.{number}", network, NEIGHBOURS[group])
        for group in NEIGHBOURS
        for number, network in enumerate(getattr(addresses, group))
    )
    return Space(
        tuple(names),
        {name: getattr(addresses, name) for name in names if path(name) not in unknown},
        tuple(found for found in reserved if found.path not in unknown),
        tuple(found for found in neighbours if found.path not in unknown),
        addresses.dns_service_ip if path("dns_service_ip") not in unknown else None,
    )


def free(outer: IPv4Network, taken: Iterable[IPv4Network]) -> Iterator[Gap]:
    """The gaps that `taken` leaves in `outer`, in address order. Networks in `taken` may overlap
    one another and lie partly or wholly outside `outer`."""
    yield from _between(*bounds(outer), sorted(map(bounds, taken)))


def rest(gaps: Iterable[Gap], taken: Iterable[IPv4Network]) -> Iterator[Gap]:
    """The parts of `gaps` that `taken` leaves free."""
    spans = sorted(map(bounds, taken))
    for gap in gaps:
        yield from _between(gap.first, gap.last, spans)


def _between(at: int, end: int, spans: Iterable[tuple[int, int]]) -> Iterator[Gap]:
    for first, last in spans:
        if last < at or first > end:
            continue
        if first > at:
            yield Gap(at, first - 1)
        at = last + 1
    if at <= end:
        yield Gap(at, end)


def bounds(network: IPv4Network) -> tuple[int, int]:
    """The first and last address of a network as integers."""
    first = int(network.network_address)
    return first, first + (1 << (network.max_prefixlen - network.prefixlen)) - 1


def within(network: IPv4Network, ranges: Iterable[IPv4Network]) -> bool:
    """Whether one of the ranges contains the whole network."""
    return any(network.subnet_of(outer) for outer in ranges)


def touched(network: IPv4Network, ranges: Iterable[IPv4Network]) -> IPv4Network | None:
    """The first of the ranges that overlaps the network, or None."""
    return next((other for other in ranges if network.overlaps(other)), None)
