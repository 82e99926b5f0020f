"""What a network security group really lets in from outside the VNET.

Azure applies the first matching rule by priority, so an allow rule opens whatever no earlier deny
rule covers. A deny rule that may match only part of that traffic counts as not matching, so traffic
reported as closed really is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from amlwizard.json_types import Document
from amlwizard.language import _
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
    """Inbound traffic that is allowed. `source` is ``Internet``, a service tag or a prefix."""

    source: str
    protocol: str
    ports: Ports
    rule: str = ""

    def __str__(self) -> str:
        first, last = self.ports
        ports = str(first) if last == first else f"{first}-{last}"
        where = _("all ports") if self.ports == ALL_PORTS else _("port {ports}", ports=ports)
        rule = f" ({self.rule})" if self.rule else ""
        return (
            _(
                "{source} on {protocol} {ports}",
                source=self.source,
                protocol=self.protocol,
                ports=where,
            )
            + rule
        )

    def within(self, other: Opening) -> bool:
        """Whether `other` covers all of this."""
        return (
            covers(other.source, self.source)
            and other.protocol in ("*", self.protocol)
            and other.ports[0] <= self.ports[0]
            and self.ports[1] <= other.ports[1]
        )


def openings(group: Document, inside: Sequence[IPv4Network] = ()) -> list[Opening]:
    """Inbound traffic allowed from outside, that is, not from the VNET or Azure's load balancer.

    `group` is the ARM document of the group; `inside` holds public prefixes that count as part of
    the VNET.
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
    """A security rule with its singular and plural fields merged."""

    def __init__(self, rule: Document) -> None:
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
        """Whether this deny rule matches everything `other` allows from a source and protocol."""
        return (
            protocol in self.protocols
            and self.any_source_port
            and any(covers(mine, source) for mine in self.sources)
            and all(any(_reaches(mine, t) for mine in self.targets) for t in other.targets)
        )


def _both(p: Document, one: str, many: str) -> list[str]:
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
    """Whether source `one` covers source `other`: ``Internet`` covers everything, a service tag its
    regional tags, a prefix its subnets."""
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
    """The prefix in `text`; None if it is not one, such as a service tag."""
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
