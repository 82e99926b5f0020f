"""What a network security group really lets in from outside the VNET.

Azure takes the first rule, by priority, that matches; so an allow rule opens what no earlier deny
rule took from it. Where a deny rule might not match all of it, it counts as not matching: what is
called closed is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from amlwizard.rules.address_space import PRIVATE

PROTOCOLS = ("Tcp", "Udp", "Icmp", "Esp", "Ah")
ALL_PORTS = (0, 65535)
EVERYWHERE = ("*", "any", "0.0.0.0/0", "::/0")
INSIDE_TAGS = ("virtualnetwork", "azureloadbalancer")
INTERNET = "Internet"

Ports = tuple[int, int]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Opening:
    """Traffic that may come in. `source` is Internet, a service tag or a prefix."""

    source: str
    protocol: str
    ports: Ports
    rule: str = ""

    def __str__(self) -> str:
        first, last = self.ports
        where = (
            "all ports"
            if self.ports == ALL_PORTS
            else f"port {first}" + (f"-{last}" if last != first else "")
        )
        return f"{self.source} on {self.protocol} {where}" + (
            f" ({self.rule})" if self.rule else ""
        )

    def within(self, other: Opening) -> bool:
        """Whether all of this is part of `other`."""
        return (
            covers(other.source, self.source)
            and other.protocol in ("*", self.protocol)
            and other.ports[0] <= self.ports[0]
            and self.ports[1] <= other.ports[1]
        )


def openings(group: Mapping[str, Any], inside: Sequence[IPv4Network] = ()) -> list[Opening]:
    """What may come in from outside: neither from the VNET nor from Azure's load balancer.

    `group` is the group as ARM answers it; `inside` are prefixes that count as part of the VNET
    although they are public addresses.
    """
    p = group.get("properties", {})
    rules = sorted(
        (
            _Rule(rule)
            for rule in [*p.get("securityRules", []), *p.get("defaultSecurityRules", [])]
            if rule["properties"]["direction"] == "Inbound"
        ),
        key=lambda rule: rule.priority,
    )
    found: list[Opening] = []
    for number, rule in enumerate(rules):
        if rule.allows:
            denials = [earlier for earlier in rules[:number] if not earlier.allows]
            found += _left(rule, denials, inside)
    return found


def _left(rule: _Rule, denials: list[_Rule], inside: Sequence[IPv4Network]) -> Iterator[Opening]:
    for source in rule.sources:
        if _is_inside(source, inside):
            continue
        for protocol in rule.protocols:
            open_ports = list(rule.ports)
            for denial in denials:
                if denial.stops(source, protocol, rule):
                    open_ports = _without(open_ports, denial.ports)
            for ports in open_ports:
                yield Opening(source, protocol, ports, rule.name)


class _Rule:
    """A security rule, its singular and plural fields taken together."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        p = rule["properties"]
        self.name, self.priority = str(rule.get("name", "")), int(p["priority"])
        self.allows = p["access"] == "Allow"
        self.protocols = PROTOCOLS if p["protocol"] == "*" else (str(p["protocol"]).capitalize(),)
        sources = _both(p, "sourceAddressPrefix", "sourceAddressPrefixes")
        self.sources = [INTERNET if s.lower() in EVERYWHERE else s for s in sources]
        self.targets = [t.lower() for t in _both(p, "destinationAddressPrefix",
                                                 "destinationAddressPrefixes")]  # fmt: skip
        self.ports = [
            _ports(text) for text in _both(p, "destinationPortRange", "destinationPortRanges")
        ]
        self.any_source_port = set(_both(p, "sourcePortRange", "sourcePortRanges")) <= {"*"}

    def stops(self, source: str, protocol: str, other: _Rule) -> bool:
        """Whether this denial matches all that `other` lets in from a source by a protocol."""
        return (
            protocol in self.protocols
            and self.any_source_port
            and any(covers(mine, source) for mine in self.sources)
            and all(any(_reaches(mine, t) for mine in self.targets) for t in other.targets)
        )


def _both(p: Mapping[str, Any], one: str, many: str) -> list[str]:
    return [str(text) for text in [p.get(one), *(p.get(many) or [])] if text not in (None, "")]


def _ports(text: str) -> Ports:
    if text == "*":
        return ALL_PORTS
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _without(ports: list[Ports], taken: list[Ports]) -> list[Ports]:
    for first, last in taken:
        left = []
        for a, b in ports:
            if last < a or b < first:
                left.append((a, b))
                continue
            if a < first:
                left.append((a, first - 1))
            if last < b:
                left.append((last + 1, b))
        ports = left
    return ports


def covers(one: str, other: str) -> bool:
    """Whether the outside addresses of a source hold all of another's: ``Internet`` all, a service
    tag its regions, a prefix its parts."""
    if one == INTERNET or one.lower() == other.lower():
        return True
    if other.lower().startswith(f"{one.lower()}."):
        return True
    mine, theirs = network(one), network(other)
    return _part_of(theirs, mine) if mine and theirs else False


def _reaches(mine: str, target: str) -> bool:
    if mine in EVERYWHERE or mine == target:
        return True
    outer, inner = network(mine), network(target)
    return _part_of(inner, outer) if outer and inner else False


def _is_inside(source: str, inside: Sequence[IPv4Network]) -> bool:
    if source.lower() in INSIDE_TAGS:
        return True
    prefix = network(source)
    return prefix is not None and any(_part_of(prefix, outer) for outer in (*PRIVATE, *inside))


def network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _part_of(inner: Network | None, outer: Network | None) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False
