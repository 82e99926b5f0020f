"""NSGs, NAT gateway, and the VNET with its five subnets in one PUT."""

from __future__ import annotations

from typing import Any

from amlwizard.plan import Resource, Step
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.foundation import SUBNETS
from amlwizard.steps.naming import Ids

API = "2026-03-01"
DELEGATED = ("databricks_public", "databricks_private")
WITH_NAT = ("compute", "databricks_public", "databricks_private")
SERVICES = {
    "storage": "Microsoft.Storage",
    "key_vault": "Microsoft.KeyVault",
    "registry": "Microsoft.ContainerRegistry",
}


def network(recipe: Any) -> list[Step]:
    ids, n = Ids(recipe), recipe.names
    in_group = f"-g {n.resource_group}"
    steps = [_nsg(recipe, ids, which) for which in SUBNETS]
    before = tuple(step.id for step in steps)
    if recipe.security.nat_gateway:
        steps += [
            arm_step(
                "public-ip",
                "Public IP",
                Resource(
                    ids.of("Microsoft.Network/publicIPAddresses", n.public_ip),
                    API,
                    ids.tracked(
                        {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
                        sku={"name": "Standard"},
                    ),
                ),
                after=("resource-group",),
                outputs={"address": "properties.ipAddress"},
                az=(f"az network public-ip create {in_group} -n {n.public_ip} --sku Standard",),
            ),
            arm_step(
                "nat-gateway",
                "NAT gateway",
                Resource(
                    ids.of("Microsoft.Network/natGateways", n.nat_gateway),
                    API,
                    ids.tracked(
                        {"publicIpAddresses": [{"id": "{public-ip.id}"}]}, sku={"name": "Standard"}
                    ),
                ),
                after=("public-ip",),
                az=(
                    f"az network nat gateway create {in_group} -n {n.nat_gateway} "
                    f"--public-ip-addresses {n.public_ip}",
                ),
            ),
        ]
        before += ("nat-gateway",)
    return [*steps, _vnet(recipe, ids, before)]


def _nsg(recipe: Any, ids: Ids, which: str) -> Step:
    name = ids.nsg_name(which)
    return arm_step(
        f"nsg.{which.replace('_', '-')}",
        f"NSG of the {which.replace('_', ' ')} subnet",
        Resource(ids.nsg(which), API, ids.tracked({"securityRules": _rules(recipe, which)})),
        after=("resource-group",),
        az=(f"az network nsg create -g {recipe.names.resource_group} -n {name}",),
    )


def _rules(recipe: Any, which: str) -> list[dict[str, Any]]:
    """Only what the default rules do not say: they let the VNET in and nobody else.

    Databricks writes its own rules into the NSGs of its subnets; AKS writes none.
    """
    serving = recipe.serving
    if which != "scoring" or serving.load_balancer == "internal":
        return []
    port = "443" if serving.tls_certificate else "80"
    return [
        {
            "name": "AllowScoringInBound",
            "properties": {
                "description": "Scoring requests to the public load balancer",
                "direction": "Inbound",
                "access": "Allow",
                "priority": 100,
                "protocol": "Tcp",
                "sourceAddressPrefix": "Internet",
                "sourcePortRange": "*",
                "destinationAddressPrefix": "*",
                "destinationPortRange": port,
            },
        }
    ]


def _vnet(recipe: Any, ids: Ids, before: tuple[str, ...]) -> Step:
    n, a = recipe.names, recipe.addresses
    properties = {
        "addressSpace": {"addressPrefixes": [str(a.vnet)]},
        "subnets": [_subnet(recipe, ids, which) for which in SUBNETS],
    }
    commands = [
        f"az network vnet create -g {n.resource_group} -n {n.vnet} --address-prefixes {a.vnet}"
    ]
    for which in SUBNETS:
        name = getattr(n, f"{which}_subnet")
        options = [f"--network-security-group {ids.nsg_name(which)}"]
        if which in DELEGATED:
            options.append("--delegations Microsoft.Databricks/workspaces")
        if which in WITH_NAT and recipe.security.nat_gateway:
            options.append(f"--nat-gateway {n.nat_gateway}")
        commands.append(
            f"az network vnet subnet create -g {n.resource_group} --vnet-name {n.vnet} -n {name} "
            f"--address-prefixes {getattr(a, which)} {' '.join(options)}"
        )
    return arm_step(
        "vnet",
        "VNET with its subnets",
        Resource(ids.vnet, API, ids.tracked(properties)),
        after=before,
        az=tuple(commands),
    )


def _subnet(recipe: Any, ids: Ids, which: str) -> dict[str, Any]:
    """One subnet. `addressPrefix` in the singular: Databricks reads no other. Outbound access is
    always explicit: its default depends on the api-version."""
    nat = recipe.security.nat_gateway and which in WITH_NAT
    properties: dict[str, Any] = {
        "addressPrefix": str(getattr(recipe.addresses, which)),
        "networkSecurityGroup": {"id": ids.nsg(which)},
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
        "defaultOutboundAccess": not nat and which in WITH_NAT,
    }
    if nat:
        properties["natGateway"] = {"id": "{nat-gateway.id}"}
    if which in DELEGATED:
        properties["delegations"] = [
            {
                "name": "databricks",
                "properties": {"serviceName": "Microsoft.Databricks/workspaces"},
            }
        ]
    services = [
        {"service": service}
        for field, service in SERVICES.items()
        if getattr(recipe.security, field) == "service-endpoint"
    ]
    if services:
        properties["serviceEndpoints"] = services
    return {"name": getattr(recipe.names, f"{which}_subnet"), "properties": properties}
