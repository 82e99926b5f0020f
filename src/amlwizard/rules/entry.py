"""Rules about secure entry: the subnets of Bastion and VPN gateway, and the addresses of VPN
clients. Those about ranges apply only if the recipe has such an entry."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.design.subnets import ENTRY_NAMES, SUBNETS
from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.recipe import Names
from amlwizard.rules.address_space import NEIGHBOURS, Kind, path, paths
from amlwizard.rules.base import Rule, rule
from amlwizard.rules.capacity import LONGEST
from amlwizard.rules.renaming import default
from amlwizard.rules.rule_context import Ranges

BASTION_DOCS = _("Azure Bastion, configuration settings")
GATEWAY_DOCS = _("Azure VPN Gateway, gateway subnet")
POINT_TO_SITE = _("Azure VPN Gateway, point-to-site address pool")


@rule(
    "BA-1",
    _("Bastion needs a subnet called AzureBastionSubnet of /26 or larger."),
    "ranges",
    about=paths("bastion"),
    source=BASTION_DOCS,
)
def bastion_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    bastion = ranges.space.own.get("bastion")
    if bastion and bastion.prefixlen > LONGEST["bastion"]:
        yield ranges.found(
            rule,
            path("bastion"),
            _("The Bastion subnet {bastion} is too small.", bastion=bastion),
            "bastion",
            otherwise=_("Use a /26 or larger."),
        )


@rule(
    "GW-1",
    _(
        "A VPN gateway needs a subnet called GatewaySubnet of /27 or larger; a smaller one is enough "
        "only for the Basic SKU, which does not support sign-in with Entra ID."
    ),
    "ranges",
    about=paths("gateway"),
    source=GATEWAY_DOCS,
)
def gateway_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    gateway = ranges.space.own.get("gateway")
    if gateway and gateway.prefixlen > LONGEST["gateway"]:
        yield ranges.found(
            rule,
            path("gateway"),
            _("The gateway subnet {gateway} is too small.", gateway=gateway),
            "gateway",
            otherwise=_("Use a /27 or larger."),
        )


@rule(
    "EN-3",
    _("The VPN client address pool must not overlap any other range."),
    "ranges",
    about=paths("vpn_clients"),
    source=POINT_TO_SITE,
)
def dial_in(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    others: set[Kind] = {"vnet", "service", "pod", "reserved", *NEIGHBOURS.values()}
    yield from ranges.in_the_way(rule, {"clients"}, others)


@rule(
    "EN-4",
    _("Azure reserves the subnet names AzureBastionSubnet and GatewaySubnet."),
    "names",
    reads=("names.prefix",),
    about=tuple(f"names.{which}_subnet" for which in SUBNETS),
    source=BASTION_DOCS,
)
def reserved_names(rule: Rule, names: Names) -> Iterator[Finding]:
    for field in (f"{which}_subnet" for which in SUBNETS):
        name = getattr(names, field)
        if name.lower() in (text.lower() for text in ENTRY_NAMES.values()):
            yield rule.finding(
                f"names.{field}",
                _(
                    "The name {name} is reserved for a subnet of Bastion or a VPN gateway.",
                    name=name,
                ),
                cure={f"names.{field}": default(names, field)},
            )
