"""Rules about the egress of AKS."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.recipe import Security, Serving
from amlwizard.rules.base import Rule, rule


@rule(
    "AK-18",
    "AKS goes out by what is there before it: a NAT gateway, or a route to a firewall.",
    "security",
    about=("security.aks_outbound", "security.aks_firewall", "security.nat_gateway"),
    source="AKS, customize cluster egress with outbound types",
)
def aks_outbound(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.aks_outbound == "nat-gateway" and not security.nat_gateway:
        yield rule.finding(
            ("security.aks_outbound", "security.nat_gateway"),
            "AKS is to go out by a NAT gateway, and the recipe has none.",
            cure={"security.nat_gateway": True},
        )
    routed = security.aks_outbound == "user-defined-routing"
    if routed and security.aks_firewall is None:
        yield rule.finding(
            ("security.aks_firewall", "security.aks_outbound"),
            "AKS is to go out by a firewall, and none is named.",
            "Give security.aks_firewall: the private address of the firewall.",
        )
    if security.aks_firewall is not None and not routed:
        yield rule.finding(
            ("security.aks_firewall", "security.aks_outbound"),
            "A firewall is named, and AKS does not go out by it.",
            cure={"security.aks_outbound": "user-defined-routing"},
        )


@rule(
    "AK-19",
    "What comes in by a public load balancer goes out by the firewall, which does not know it: the "
    "answer is lost.",
    "security",
    "serving",
    about=("security.aks_outbound", "serving.load_balancer"),
    source="AKS, outbound types: user-defined routing",
)
def asymmetric(rule: Rule, security: Security, serving: Serving) -> Iterator[Finding]:
    if security.aks_outbound == "user-defined-routing" and serving.load_balancer == "public":
        yield rule.finding(
            ("serving.load_balancer", "security.aks_outbound"),
            "The scoring endpoint is public, and its answers would go by the firewall.",
            cure={"serving.load_balancer": "internal"},
        )
