"""NSGs, NAT gateway, and the VNET with all its subnets in one PUT."""

from __future__ import annotations

from typing import Any

from amlwizard.plan import Resource, Step
from amlwizard.posture import security_groups
from amlwizard.rules.space import ENTRY, subnets
from amlwizard.steps.arm_step import arm_step
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
    steps = [_nsg(recipe, ids, which) for which in security_groups.with_group(recipe)]
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
    name, group = ids.nsg_name(which), recipe.names.resource_group
    rules = security_groups.rules(recipe, which)
    return arm_step(
        f"nsg.{which.replace('_', '-')}",
        f"NSG of the {which.replace('_', ' ')} subnet",
        Resource(ids.nsg(which), API, ids.tracked({"securityRules": rules})),
        after=("resource-group",),
        az=(
            f"az network nsg create -g {group} -n {name}",
            *(_rule_command(group, name, rule) for rule in rules),
        ),
    )


def _rule_command(group: str, nsg: str, rule: dict[str, Any]) -> str:
    p = rule["properties"]
    ports = p.get("destinationPortRanges") or [p["destinationPortRange"]]
    return (
        f"az network nsg rule create -g {group} --nsg-name {nsg} -n {rule['name']} "
        f"--priority {p['priority']} --direction {p['direction']} --access {p['access']} "
        f"--protocol '{p['protocol']}' --source-address-prefixes '{p['sourceAddressPrefix']}' "
        f"--destination-address-prefixes '{p['destinationAddressPrefix']}' "
        f"--destination-port-ranges {' '.join(repr(port) for port in ports)}"
    )


def _vnet(recipe: Any, ids: Ids, before: tuple[str, ...]) -> Step:
    n, a = recipe.names, recipe.addresses
    properties = {
        "addressSpace": {"addressPrefixes": [str(a.vnet)]},
        "subnets": [_subnet(recipe, ids, which) for which in subnets(recipe.security)],
    }
    commands = [
        f"az network vnet create -g {n.resource_group} -n {n.vnet} --address-prefixes {a.vnet}"
    ]
    for which in subnets(recipe.security):
        name, options = ids.subnet_name(which), []
        if which != security_groups.WITHOUT_GROUP:
            options.append(f"--network-security-group {ids.nsg_name(which)}")
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
    always explicit, for its default depends on the api-version; where Azure itself runs what is in
    a subnet, it sees to that."""
    if which in ENTRY.values():
        return _entry_subnet(recipe, ids, which)
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
    return {"name": ids.subnet_name(which), "properties": properties}


def _entry_subnet(recipe: Any, ids: Ids, which: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"addressPrefix": str(getattr(recipe.addresses, which))}
    if which != security_groups.WITHOUT_GROUP:
        properties["networkSecurityGroup"] = {"id": ids.nsg(which)}
    return {"name": ids.subnet_name(which), "properties": properties}
