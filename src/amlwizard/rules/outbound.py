"""Rules about the egress of AKS."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.recipe import Security, Serving
from amlwizard.rules.base import Rule, rule


@rule(
    "AK-18",
    _(
        "The outbound path of AKS must exist before the cluster: a NAT gateway, or a route to a firewall."
    ),
    "security",
    about=("security.aks_outbound", "security.aks_firewall", "security.nat_gateway"),
    source=_("AKS, customize cluster egress with outbound types"),
)
def aks_outbound(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.aks_outbound == "nat-gateway" and not security.nat_gateway:
        yield rule.finding(
            ("security.aks_outbound", "security.nat_gateway"),
            _("Outbound traffic of AKS is to use the NAT gateway, but the recipe has none."),
            cure={"security.nat_gateway": True},
        )
    routed = security.aks_outbound == "user-defined-routing"
    if routed and security.aks_firewall is None:
        yield rule.finding(
            ("security.aks_firewall", "security.aks_outbound"),
            _("Outbound traffic of AKS is to use a firewall, but its address is missing."),
            _("Give the private address of the firewall."),
        )
    if security.aks_firewall is not None and not routed:
        yield rule.finding(
            ("security.aks_firewall", "security.aks_outbound"),
            _("A firewall address is given, but outbound traffic of AKS does not use it."),
            cure={"security.aks_outbound": "user-defined-routing"},
        )


@rule(
    "AK-19",
    _(
        "A firewall drops the responses to requests that came in through a public load balancer, as it "
        "did not see the requests."
    ),
    "security",
    "serving",
    about=("security.aks_outbound", "serving.load_balancer"),
    source=_("AKS, outbound types: user-defined routing"),
)
def asymmetric(rule: Rule, security: Security, serving: Serving) -> Iterator[Finding]:
    if security.aks_outbound == "user-defined-routing" and serving.load_balancer == "public":
        yield rule.finding(
            ("serving.load_balancer", "security.aks_outbound"),
            _(
                "The scoring endpoint is public, but its responses would leave through the firewall."
            ),
            cure={"serving.load_balancer": "internal"},
        )
