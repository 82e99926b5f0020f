"""What of a recipe's platform Azure charges for, by its meters. Names of meters and how regions are listed:
Azure Retail Prices API (learn.microsoft.com/rest/api/cost-management/retail-prices)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from amlwizard.costs import Charge, Meter
from amlwizard.json_path import value_at
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.plan import Step
from amlwizard.recipe import Recipe

GLOBAL = "Global"
NETWORK, MACHINES, AKS = "Virtual Network", "Virtual Machines", "Azure Kubernetes Service"
BALANCER = Meter(
    "Load Balancer", GLOBAL, "Standard Included LB Rules and Outbound Rules", "Standard"
)
TIERS = {"Standard": "Standard Uptime SLA", "Premium": "Standard Long Term Support"}


def needs(recipe: Recipe, steps: Sequence[Step]) -> tuple[Charge, ...]:
    """What is metered of what these steps make, each meter once."""
    found = [need for step in steps for need in _of(step)]
    found += [*_of_aks(recipe), *_of_training(recipe)]
    merged: dict[tuple[Meter, bool], Charge] = {}
    for need in found:
        key = (need.meter, need.training)
        other = merged.get(key, replace(need, count=0, most=0))
        merged[key] = replace(need, count=other.count + need.count, most=other.most + need.most)
    return tuple(merged.values())


def _of(step: Step) -> Iterator[Charge]:
    made = step.resource
    if made and made.type in METERED:
        yield from METERED[made.type](made.body)


def _nodes(cluster: Document) -> Iterator[Charge]:
    region = str(cluster["location"])
    for pool in cluster["properties"]["agentPoolProfiles"]:
        size = str(pool["vmSize"])
        meter = Meter(MACHINES, region, size=size)
        yield Charge(
            _("AKS node {size}", size=size),
            meter,
            int(pool["count"]),
            int(pool.get("maxCount") or 0),
        )
    if tier := TIERS.get(str(value_at(cluster, "sku.tier"))):
        yield Charge(_("AKS management"), Meter(AKS, region, tier, "Standard"))


def _address(body: Document) -> Iterator[Charge]:
    yield _public_address(str(body["location"]))


def _public_address(region: str, count: int = 1) -> Charge:
    name = "Standard IPv4 Static Public IP"
    return Charge(
        _("Public IP address"), Meter(NETWORK, region, name, "Standard", "IP Addresses"), count
    )


def _nat_gateway(body: Document) -> Iterator[Charge]:
    yield Charge(_("NAT gateway"), Meter("NAT Gateway", GLOBAL, "Standard Gateway", "Standard"))


def _private_endpoint(body: Document) -> Iterator[Charge]:
    product = "Virtual Network Private Link"
    meter = Meter(NETWORK, GLOBAL, "Standard Private Endpoint", product=product)
    yield Charge(_("Private endpoint"), meter)


def _private_zone(body: Document) -> Iterator[Charge]:
    yield Charge(_("Private DNS zone"), Meter("Azure DNS", "", "Private Zone", "Private"))


def _registry(body: Document) -> Iterator[Charge]:
    tier = str(body["sku"]["name"])
    meter = Meter("Container Registry", str(body["location"]), f"{tier} Registry Unit", tier)
    yield Charge(_("Container registry, {tier}", tier=tier), meter)


def _bastion(body: Document) -> Iterator[Charge]:
    tier = str(body["sku"]["name"])
    yield Charge("Bastion", Meter("Azure Bastion", str(body["location"]), f"{tier} Gateway", tier))


def _vpn_gateway(body: Document) -> Iterator[Charge]:
    name = str(body["properties"]["sku"]["name"])
    yield Charge(
        _("VPN gateway {size}", size=name), Meter("VPN Gateway", str(body["location"]), name)
    )


METERED: Mapping[str, Callable[[Document], Iterator[Charge]]] = {
    "Microsoft.ContainerService/managedClusters": _nodes,
    "Microsoft.Network/publicIPAddresses": _address,
    "Microsoft.Network/natGateways": _nat_gateway,
    "Microsoft.Network/privateEndpoints": _private_endpoint,
    "Microsoft.Network/privateDnsZones": _private_zone,
    "Microsoft.Network/bastionHosts": _bastion,
    "Microsoft.Network/virtualNetworkGateways": _vpn_gateway,
    "Microsoft.ContainerRegistry/registries": _registry,
}


def _of_aks(recipe: Recipe) -> Iterator[Charge]:
    """What AKS makes by itself: load balancers and their addresses."""
    outbound = recipe.security.aks_outbound == "load-balancer"
    public = recipe.serving.load_balancer == "public"
    yield Charge(_("Load balancer of AKS"), BALANCER, (outbound or public) + (not public))
    if outbound or public:
        yield _public_address(recipe.sign_in.region, outbound + public)


def _of_training(recipe: Recipe) -> Iterator[Charge]:
    """The training cluster: its machines, unless a pool has them, and what Databricks adds to each."""
    training, region = recipe.training, recipe.sign_in.region
    if not training.instance_pool:
        yield Charge(
            _("Databricks node {size}", size=training.node_type),
            Meter(MACHINES, region, size=training.node_type),
            1 + training.workers,
            training=True,
        )
    name = "Premium All-purpose Compute"
    meter = Meter("Azure Databricks", region, f"{name} DBU", name)
    yield Charge(_("Databricks unit (DBU)"), meter, training=True)
