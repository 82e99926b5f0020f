"""The design of the network security groups: the rules for each subnet that has one.

Azure's default rules, from priority 65000, let in only the VNET and the load balancer's probes. The
rules here are what a subnet needs beyond them. An explicit rule at the end of the list denies the
Internet, so that the group states the intent. Databricks writes the rules of its two subnets itself
and rejects others in their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import get_args

from amlwizard.design.subnets import DATABRICKS
from amlwizard.json_types import Document, MutableDocument
from amlwizard.recipe import Recipe, Serving

Rules = list[MutableDocument]

INTERNET = "Internet"
LAST = 4096


def rules(recipe: Recipe, which: str) -> Rules:
    """The security rules of a subnet's group in ARM form; empty for Databricks' subnets."""
    if which in DATABRICKS:
        return []
    if which == "bastion":
        return _bastion()
    own = {"compute": _compute, "scoring": _scoring}
    inward, outward = own[which](recipe) if which in own else ([], [])
    inward.append(_deny("DenyInternetInBound", "Inbound"))
    return inward + outward


def outdated(recipe: Recipe, which: str, found: Iterable[Document]) -> tuple[str, ...]:
    """Names of rules in a subnet's group that an earlier design wrote and this one does not
    contain.

    A rule counts as ours if its name, direction, access and priority are those of one of our rules.
    All other rules belong to others and are left to them.
    """
    wanted = {rule["name"].lower() for rule in rules(recipe, which)}
    ours = {_place(rule) for design in _designs(recipe) for rule in rules(design, which)}
    return tuple(
        rule["name"]
        for rule in found
        if rule["name"].lower() not in wanted and _place(rule) in ours
    )


def _designs(recipe: Recipe) -> Iterator[Recipe]:
    """The recipe with every combination of the fields that decide which rules exist."""
    for balancer, network in product(_choices("load_balancer"), _choices("network")):
        serving = recipe.serving.model_copy(update={"load_balancer": balancer, "network": network})
        yield recipe.model_copy(update={"serving": serving})


def _choices(field: str) -> tuple[str, ...]:
    return get_args(Serving.model_fields[field].annotation)


def _place(rule: Document) -> tuple[str, str, str, int]:
    p = rule["properties"]
    return rule["name"].lower(), p["direction"], p["access"], p["priority"]


def exposed(recipe: Recipe, which: str) -> list[tuple[str, int]]:
    """TCP traffic that a subnet's group lets in from outside the VNET, as (source, port); the
    source is a service tag or ``Internet``."""
    if which == "bastion":
        return [(INTERNET, 443), ("GatewayManager", 443)]
    if which == "scoring" and (port := scoring_port(recipe)):
        return [(INTERNET, int(port))]
    if which in DATABRICKS and not recipe.security.databricks_no_public_ip:
        # Without secure cluster connectivity, the control plane connects to the nodes.
        return [("AzureDatabricks", 22), ("AzureDatabricks", 5557)]
    return []


def scoring_port(recipe: Recipe) -> str | None:
    """The port on which the Internet reaches the scoring endpoint; None if it is internal."""
    if recipe.serving.load_balancer == "internal":
        return None
    return "443" if recipe.serving.tls_certificate else "80"


def _compute(recipe: Recipe) -> tuple[Rules, Rules]:
    """Machine Learning compute without a public address: no inbound rules; outbound to the services
    that it depends on and for image builds (packages and base images have no service tag)."""
    region = recipe.sign_in.region
    tags: list[tuple[str, str, str, list[str]]] = [
        ("AzureMachineLearning", "AzureMachineLearning", "Tcp", ["443", "8787", "18881"]),
        ("AzureMachineLearningUdp", "AzureMachineLearning", "Udp", ["5831"]),
        ("BatchNodeManagement", f"BatchNodeManagement.{region}", "*", ["443"]),
        ("Storage", f"Storage.{region}", "Tcp", ["443", "445"]),
        ("Entra", "AzureActiveDirectory", "Tcp", ["80", "443"]),
        ("ResourceManager", "AzureResourceManager", "Tcp", ["443"]),
        ("FrontDoor", "AzureFrontDoor.FirstParty", "Tcp", ["443"]),
        ("ContainerRegistry", "MicrosoftContainerRegistry", "Tcp", ["443"]),
        ("Monitor", "AzureMonitor", "Tcp", ["443"]),
        ("Packages", "Internet", "Tcp", ["80", "443"]),
    ]
    out = [
        _rule(f"Allow{name}OutBound", "Outbound", 100 + 10 * n, protocol, "*", target, ports)
        for n, (name, target, protocol, ports) in enumerate(tags)
    ]
    return [], [*out, _deny("DenyInternetOutBound", "Outbound")]


def _scoring(recipe: Recipe) -> tuple[Rules, Rules]:
    """AKS: traffic among nodes, with overlay also with and among pods, and from clients of a public
    endpoint. Overlay traffic is not encapsulated, and the pods' range is not part of the VNET."""
    nodes = str(recipe.addresses.scoring)
    pairs = [("Nodes", nodes, nodes)]
    if recipe.serving.network == "overlay":
        pods = str(recipe.addresses.pod_cidr)
        pairs += [("NodesToPods", nodes, pods), ("Pods", pods, pods)]
    inward, outward = (
        [
            _rule(f"Allow{name}{direction}", way, 200 + 10 * n, "*", source, target, ["*"])
            for n, (name, source, target) in enumerate(pairs)
        ]
        for direction, way in (("InBound", "Inbound"), ("OutBound", "Outbound"))
    )
    port = scoring_port(recipe)
    if port:
        inward.insert(
            0, _rule("AllowScoringInBound", "Inbound", 100, "Tcp", "Internet", "*", [port])
        )
    return inward, outward


def _bastion() -> Rules:
    """The rules that Azure requires before it attaches a group to AzureBastionSubnet."""
    vnet, inner = "VirtualNetwork", ["8080", "5701"]
    return [
        _rule("AllowHttpsInBound", "Inbound", 120, "Tcp", "Internet", "*", ["443"]),
        _rule("AllowGatewayManagerInBound", "Inbound", 130, "Tcp", "GatewayManager", "*", ["443"]),
        _rule("AllowLoadBalancerInBound", "Inbound", 140, "Tcp", "AzureLoadBalancer", "*", ["443"]),
        _rule("AllowBastionHostInBound", "Inbound", 150, "*", vnet, vnet, inner),
        _deny("DenyInternetInBound", "Inbound"),
        _rule("AllowSshRdpOutBound", "Outbound", 100, "*", "*", vnet, ["22", "3389"]),
        _rule("AllowAzureCloudOutBound", "Outbound", 110, "Tcp", "*", "AzureCloud", ["443"]),
        _rule("AllowBastionHostOutBound", "Outbound", 120, "*", vnet, vnet, inner),
        _rule("AllowHttpOutBound", "Outbound", 130, "*", "*", "Internet", ["80"]),
    ]


def _deny(name: str, direction: str) -> MutableDocument:
    source, target = ("Internet", "*") if direction == "Inbound" else ("*", "Internet")
    return _rule(name, direction, LAST, "*", source, target, ["*"], access="Deny")


def _rule(
    name: str,
    direction: str,
    priority: int,
    protocol: str,
    source: str,
    target: str,
    ports: list[str],
    access: str = "Allow",
) -> MutableDocument:
    where = (
        {"destinationPortRange": ports[0]} if len(ports) == 1 else {"destinationPortRanges": ports}
    )
    return {
        "name": name,
        "properties": {
            "direction": direction,
            "access": access,
            "priority": priority,
            "protocol": protocol,
            "sourceAddressPrefix": source,
            "sourcePortRange": "*",
            "destinationAddressPrefix": target,
            **where,
        },
    }
