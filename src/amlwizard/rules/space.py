"""The address space of a recipe as values: its ranges, which of them share addresses, and what is
free. The one declaration of ranges: rules, plans and the map all read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from amlwizard.design.subnets import SUBNETS, subnets
from amlwizard.recipe import Addresses, Security, Serving
from amlwizard.recipe.values import parse_address, parse_network

Kind = Literal["vnet", "subnet", "service", "pod", "clients", "reserved", "peered", "on-premises"]

# Ranges that lie outside the VNET and do not overlap it.
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
# Azure's own.
FORBIDDEN = networks(
    "224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"
)
AKS_RESERVED = networks("169.254.0.0/16", "172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24")
DOCKER = IPv4Network("172.17.0.0/16")
LARGEST = 8  # the prefix length of the largest private range


def path(name: str) -> str:
    return f"addresses.{name}"


def paths(*names: str) -> tuple[str, ...]:
    return tuple(map(path, names))


@dataclass(frozen=True, slots=True)
class Range:
    """A range in use. `path` is its place in the recipe: ``addresses.peered.0``; `label` what it
    is called, where it has a name of its own."""

    path: str
    network: IPv4Network
    kind: Kind
    label: str = ""

    @property
    def name(self) -> str:
        """Its field: ``peered``."""
        return self.path.split(".")[1]

    @property
    def text(self) -> str:
        """``10.1.0.0/16 (peered.0)``."""
        return f"{self.network} ({self.label or self.path.partition('.')[2]})"

    @property
    def route(self) -> bool:
        """Whether it tells a way and no addresses in use: a default route, or a half of one."""
        return self.kind == "on-premises" and self.network.prefixlen < LARGEST

    def holds(self, network: IPv4Network) -> bool:
        """Whether a network is a part of what is announced on premises: the longer prefix wins."""
        held = self.network != network and network.subnet_of(self.network)
        return self.kind == "on-premises" and held


@dataclass(frozen=True, slots=True)
class Gap:
    """Addresses that nothing uses, from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def addresses(self) -> int:
        return self.last - self.first + 1

    def networks(self) -> list[IPv4Network]:
        """The largest prefixes that fill it."""
        return list(summarize_address_range(IPv4Address(self.first), IPv4Address(self.last)))


@dataclass(frozen=True)
class Space:
    """`names` are the fields of the ranges in use, `own` holds those that can be read; `reserved`
    are subnets of others in the VNET, `neighbours` peered or on premises. `dns` is the address of
    the Kubernetes DNS service.
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
        """Every range, own ones first, in the order in which they are asked."""
        own = [Range(path(name), network, kind(name)) for name, network in self.own.items()]
        return [*own, *self.reserved, *self.neighbours]

    def overlaps(self) -> Iterator[tuple[Range, Range]]:
        """Every pair that shares addresses and must not."""
        ranges = self.ranges()
        spans = [bounds(found.network) for found in ranges]
        # Neighbours among themselves are not ours to judge.
        for mine, one in enumerate(ranges[: len(ranges) - len(self.neighbours)]):
            first, last = spans[mine]
            for number in range(mine + 1, len(ranges)):
                other, (start, end) = ranges[number], spans[number]
                if first <= end and start <= last and self._apart(one, other):
                    yield one, other

    def _apart(self, one: Range, other: Range) -> bool:
        kinds = {one.kind, other.kind}
        if "vnet" in kinds and kinds & IN_VNET:
            return False
        if other.route or (one.kind == "vnet" and other.holds(one.network)):
            return False
        if kinds & IN_VNET and kinds & {"clients", *NEIGHBOURS.values()}:
            # Where the subnet lies in the VNET, it is the VNET that overlaps.
            subnet = one if one.kind in IN_VNET else other
            return self.vnet is None or not subnet.network.subnet_of(self.vnet)
        return True

    def gaps(self) -> list[Gap]:
        """What is free inside the VNET, in order."""
        if self.vnet is None:
            return []
        others = (r.network for r in self.ranges() if r.kind != "vnet")
        return list(free(self.vnet, others))

    def moved(self, places: Mapping[str, IPv4Network], dns: IPv4Address | None) -> Space:
        """With ranges elsewhere."""
        return replace(self, own={**self.own, **places}, dns=dns)


def kind(name: str) -> Kind:
    return "vnet" if name == "vnet" else OUTSIDE.get(name, "subnet")


def outsized(name: str, network: IPv4Network | None) -> bool:
    """Whether a range outside the VNET is larger than in a new recipe. Ranges of Kubernetes are
    often chosen far too large, and then stand in everybody's way."""
    return name in OUTSIDE and network is not None and network.prefixlen < DEFAULTS[name].prefixlen


def space_of(
    addresses: Addresses, security: Security | None = None, serving: Serving | None = None
) -> Space:
    """The space of a recipe's sections. The ranges of a secure entry and of pods count only where
    the section that asks for them is there and does."""
    entry = security.secure_entry if security else "none"
    names = ["vnet", *(subnets(security) if security else SUBNETS), "service_cidr"]
    if serving and serving.network == "overlay":
        names.append("pod_cidr")
    if entry == "vpn-gateway":
        names.append("vpn_clients")
    own = {name: getattr(addresses, name, None) for name in names}
    return Space(
        tuple(names),
        {name: network for name, network in own.items() if network is not None},
        tuple(
            Range(f"{path('reserved')}.{number}", subnet.range, "reserved", str(subnet.name))
            for number, subnet in enumerate(getattr(addresses, "reserved", ()))
            if subnet.range is not None
        ),
        tuple(
            Range(f"{path(group)}.{number}", network, NEIGHBOURS[group])
            for group in NEIGHBOURS
            for number, network in enumerate(getattr(addresses, group, ()))
            if network is not None
        ),
        getattr(addresses, "dns_service_ip", None),
    )


@dataclass(frozen=True)
class _Readable:
    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


def readable(raw: Mapping[str, Any]) -> Any:
    """The addresses of a form that is being filled in: what of it can be read, as attributes."""
    values: dict[str, Any] = {}
    for name, given in raw.items():
        if name in (*NEIGHBOURS, "reserved"):
            items = given if isinstance(given, list) else []
            values[name] = [_subnet(i) if name == "reserved" else _read(i) for i in items]
        else:
            values[name] = _read(
                given, parse_address if name == "dns_service_ip" else parse_network
            )
    return _Readable(values)


def _subnet(given: object) -> _Readable:
    item = given if isinstance(given, Mapping) else {}
    return _Readable({"name": item.get("name", ""), "range": _read(item.get("range"))})


def _read(given: object, parse: Callable[[object], Any] = parse_network) -> Any:
    try:
        return parse(given)
    except PydanticCustomError:
        return None


def free(outer: IPv4Network, taken: Iterable[IPv4Network]) -> Iterator[Gap]:
    """The gaps that `taken` leave in `outer`, in order; they may overlap one another and lie
    partly or wholly elsewhere."""
    yield from _between(*bounds(outer), sorted(map(bounds, taken)))


def rest(gaps: Iterable[Gap], taken: Iterable[IPv4Network]) -> Iterator[Gap]:
    """What `taken` leave of gaps."""
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
    """Its first and last address, as numbers."""
    return int(network.network_address), int(network.broadcast_address)


def within(network: IPv4Network, ranges: Iterable[IPv4Network]) -> bool:
    return any(network.subnet_of(outer) for outer in ranges)


def touched(network: IPv4Network, ranges: Iterable[IPv4Network]) -> IPv4Network | None:
    """The first of the ranges that shares addresses with it."""
    return next((other for other in ranges if network.overlaps(other)), None)
