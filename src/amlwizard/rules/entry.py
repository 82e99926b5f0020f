"""Rules about secure entry: the subnets of Bastion and VPN gateway, and the addresses of those who
dial in. They speak only where the recipe asks for such an entry."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from amlwizard.errors import Finding
from amlwizard.rules.addresses import AKS_RESERVED, ENTRY, SUBNETS, path, ranges
from amlwizard.rules.base import Rule, rule

BASTION_DOCS = "Azure Bastion, configuration settings"
GATEWAY_DOCS = "Azure VPN Gateway, gateway subnet"
POINT_TO_SITE = "Azure VPN Gateway, point-to-site address pool"
# Azure knows these subnets by their names.
SUBNET_NAMES = {"bastion": "AzureBastionSubnet", "gateway": "GatewaySubnet"}


def entry_subnet(a: Any, security: Any) -> tuple[str, IPv4Network] | None:
    """Field and range of the subnet that the secure entry needs, None where there is no entry."""
    field = ENTRY.get(security.secure_entry)
    return (field, getattr(a, field)) if field else None


@rule(
    "BA-1",
    "Bastion needs a subnet called AzureBastionSubnet of /26 or larger.",
    "addresses",
    "security",
    source=BASTION_DOCS,
)
def bastion_size(self: Rule, a: Any, security: Any) -> Iterator[Finding]:
    if security.secure_entry == "bastion" and a.bastion.prefixlen > 26:
        yield self.finding(
            path("bastion"),
            f"{a.bastion} is too small for Bastion.",
            f"Use a /26 or larger, such as {a.bastion.supernet(new_prefix=26)}.",
        )


@rule(
    "GW-1",
    "A VPN gateway needs a subnet called GatewaySubnet of /29 or larger.",
    "addresses",
    "security",
    source=GATEWAY_DOCS,
)
def gateway_size(self: Rule, a: Any, security: Any) -> Iterator[Finding]:
    if security.secure_entry == "vpn-gateway" and a.gateway.prefixlen > 29:
        yield self.finding(
            path("gateway"),
            f"{a.gateway} is too small for a gateway.",
            f"Use a /27, such as {a.gateway.supernet(new_prefix=27)}.",
        )


@rule(
    "GW-2",
    "A gateway subnet smaller than /27 has no room for a second gateway or for what comes later.",
    "addresses",
    "security",
    source=GATEWAY_DOCS,
    severity="warning",
)
def gateway_room(self: Rule, a: Any, security: Any) -> Iterator[Finding]:
    if security.secure_entry == "vpn-gateway" and 27 < a.gateway.prefixlen <= 29:
        yield self.finding(
            path("gateway"),
            f"{a.gateway} is smaller than Azure recommends.",
            f"Use a /27, such as {a.gateway.supernet(new_prefix=27)}.",
        )


@rule(
    "EN-1",
    "The subnet of a secure entry lies inside the VNET.",
    "addresses",
    "security",
    source="Azure Resource Manager",
)
def inside(self: Rule, a: Any, security: Any) -> Iterator[Finding]:
    found = entry_subnet(a, security)
    if found and not found[1].subnet_of(a.vnet):
        yield self.finding(
            (path(found[0]), path("vnet")),
            f"{found[1]} is not inside the VNET {a.vnet}.",
            "Move the subnet, or enlarge the VNET.",
        )


@rule(
    "EN-2",
    "Nothing else uses the range of a secure entry's subnet.",
    "addresses",
    "security",
    "serving",
    source=BASTION_DOCS,
)
def alone(self: Rule, a: Any, security: Any, serving: Any) -> Iterator[Finding]:
    found = entry_subnet(a, security)
    for other, network in ranges(a, serving.network == "overlay") if found else ():
        if found and found[1].overlaps(network):
            yield self.finding(
                (path(found[0]), other),
                f"{found[1]} ({path(found[0])}) overlaps {network} ({other}).",
                "Move one of them.",
            )


@rule(
    "EN-3",
    "Those who dial in get addresses that are used nowhere else.",
    "addresses",
    "security",
    "serving",
    source=POINT_TO_SITE,
)
def dial_in(self: Rule, a: Any, security: Any, serving: Any) -> Iterator[Finding]:
    if security.secure_entry != "vpn-gateway":
        return
    pool = a.vpn_clients
    others = [(path("vnet"), a.vnet), (path("service_cidr"), a.service_cidr)]
    if serving.network == "overlay":
        others.append((path("pod_cidr"), a.pod_cidr))
    for group in ("peered", "on_premises"):
        others += [(f"{path(group)}.{n}", network) for n, network in enumerate(getattr(a, group))]
    for field, network in others:
        if pool.overlaps(network):
            yield self.finding(
                (path("vpn_clients"), field),
                f"{pool} ({path('vpn_clients')}) overlaps {network} ({field}).",
                "Choose a range that no connected network uses, such as 172.16.201.0/24.",
            )
    bad = next((r for r in AKS_RESERVED if pool.overlaps(r)), None)
    if bad:
        yield self.finding(
            path("vpn_clients"), f"{pool} overlaps {bad}, which AKS reserves.", "Choose another."
        )


@rule(
    "EN-4",
    "AzureBastionSubnet and GatewaySubnet are names that Azure gives a meaning.",
    "names",
    source=BASTION_DOCS,
)
def reserved_names(self: Rule, names: Any) -> Iterator[Finding]:
    for field in (f"{which}_subnet" for which in SUBNETS):
        name = getattr(names, field)
        if name.lower() in (text.lower() for text in SUBNET_NAMES.values()):
            yield self.finding(
                f"names.{field}", f"{name} is kept for a secure entry.", "Rename it."
            )
