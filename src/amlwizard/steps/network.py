"""NSGs, NAT gateway, route table, and the VNET with all its subnets in one PUT."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network

from amlwizard.design import api_versions, security_groups
from amlwizard.design.ids import Ids
from amlwizard.design.subnets import (
    DATABRICKS,
    ENTRY,
    WITH_EGRESS,
    WITHOUT_SECURITY_GROUP,
    service_endpoints,
    subnets,
    with_nat_gateway,
    with_security_group,
)
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plan import Context, Found, Read, Resource, Step
from amlwizard.recipe import Recipe
from amlwizard.recipe.sections import ReservedSubnet
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.az_options import options

PUBLIC_IP_OPTIONS = {
    "--sku": "sku.name",
    "--allocation-method": "properties.publicIPAllocationMethod",
    "--version": "properties.publicIPAddressVersion",
}
ROUTE_OPTIONS = {
    "--address-prefix": "addressPrefix",
    "--next-hop-type": "nextHopType",
    "--next-hop-ip-address": "nextHopIpAddress",
}

NSG_TITLES: Mapping[str, str] = {
    "workspace": _("NSG of the workspace subnet"),
    "compute": _("NSG of the compute subnet"),
    "scoring": _("NSG of the scoring subnet"),
    "databricks_public": _("NSG of the Databricks public subnet"),
    "databricks_private": _("NSG of the Databricks private subnet"),
    "bastion": _("NSG of the Bastion subnet"),
}


def network(recipe: Recipe) -> list[Step]:
    """The network steps; the VNET comes after everything that its subnets refer to."""
    ids, n = Ids(recipe), recipe.names
    steps = [_nsg(recipe, ids, which) for which in with_security_group(recipe.security)]
    before = tuple(step.id for step in steps)
    if recipe.security.nat_gateway:
        nat = ids.tracked(
            {"publicIpAddresses": [{"id": "{public-ip.id}"}]}, sku={"name": "Standard"}
        )
        steps += [
            public_ip(ids, "public-ip", _("Public IP of the NAT gateway"), n.public_ip),
            arm_step(
                "nat-gateway",
                _("NAT gateway"),
                Resource(
                    ids.of("Microsoft.Network/natGateways", n.nat_gateway),
                    api_versions.NETWORK,
                    nat,
                ),
                after=("public-ip",),
                az=(
                    f"az network nat gateway create {ids.cli_new} -n {n.nat_gateway} "
                    f"{options(nat, {'--sku': 'sku.name'})} --public-ip-addresses {n.public_ip}",
                ),
            ),
        ]
        before += ("nat-gateway",)
    if recipe.security.aks_outbound == "user-defined-routing":
        steps.append(_route_table(recipe, ids))
        before += ("route-table",)
    return [*steps, _vnet(recipe, ids, before)]


def _route_table(recipe: Recipe, ids: Ids) -> Step:
    name, firewall = ids.names.route_table, str(recipe.security.aks_firewall)
    route = {
        "addressPrefix": "0.0.0.0/0",
        "nextHopType": "VirtualAppliance",
        "nextHopIpAddress": firewall,
    }
    return arm_step(
        "route-table",
        _("AKS route table"),
        Resource(
            ids.of("Microsoft.Network/routeTables", name),
            api_versions.NETWORK,
            ids.tracked({"routes": [{"name": "default", "properties": route}]}),
        ),
        after=("resource-group",),
        az=(
            f"az network route-table create {ids.cli_new} -n {name}",
            f"az network route-table route create {ids.cli_group} --route-table-name {name} "
            f"-n default {options(route, ROUTE_OPTIONS)}",
        ),
    )


def public_ip(ids: Ids, id: str, title: str, name: str, zones: tuple[str, ...] = ()) -> Step:
    """A static public address of the Standard SKU, in all of `zones` if any are given."""
    more: MutableDocument = {"zones": list(zones)} if zones else {}
    body = ids.tracked(
        {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
        sku={"name": "Standard"},
        **more,
    )
    return arm_step(
        id,
        title,
        Resource(
            ids.of("Microsoft.Network/publicIPAddresses", name),
            api_versions.NETWORK,
            body,
        ),
        after=("resource-group",),
        outputs={"address": "properties.ipAddress"},
        az=(
            f"az network public-ip create {ids.cli_new} -n {name} "
            f"{options(body, PUBLIC_IP_OPTIONS)}" + (f" --zone {' '.join(zones)}" if zones else ""),
        ),
    )


def _nsg(recipe: Recipe, ids: Ids, which: str) -> Step:
    name, group = ids.names.security_group(which), recipe.names.resource_group
    rules = security_groups.rules(recipe, which)

    def outdated(found: Document) -> tuple[str, ...]:
        held = value_at(found, "properties.securityRules") or []
        names = security_groups.outdated(recipe, which, held)
        return tuple(f"properties.securityRules.{name}" for name in names)

    return arm_step(
        f"nsg.{which.replace('_', '-')}",
        NSG_TITLES[which],
        Resource(ids.nsg(which), api_versions.NETWORK, ids.tracked({"securityRules": rules})),
        after=("resource-group",),
        az=(
            f"az network nsg create {ids.cli_new} -n {name}",
            *(_rule_command(group, name, rule) for rule in rules),
        ),
        outdated=outdated,
    )


def _rule_command(group: str, nsg: str, rule: MutableDocument) -> str:
    p = rule["properties"]
    ports = p.get("destinationPortRanges") or [p["destinationPortRange"]]
    options = {
        "--priority": [str(p["priority"])],
        "--direction": [p["direction"]],
        "--access": [p["access"]],
        "--protocol": [p["protocol"]],
        "--source-address-prefixes": [p["sourceAddressPrefix"]],
        "--source-port-ranges": [p["sourcePortRange"]],
        "--destination-address-prefixes": [p["destinationAddressPrefix"]],
        "--destination-port-ranges": ports,
    }
    if p.get("description"):
        options["--description"] = [p["description"]]
    return f"az network nsg rule create -g {group} --nsg-name {nsg} -n {rule['name']} " + " ".join(
        f"{option} {shlex.join(values)}" for option, values in options.items()
    )


def _vnet(recipe: Recipe, ids: Ids, before: tuple[str, ...]) -> Step:
    n, a = recipe.names, recipe.addresses
    properties: MutableDocument = {
        "addressSpace": {"addressPrefixes": [str(a.vnet)]},
        "subnets": [_subnet(recipe, ids, which) for which in subnets(recipe.security)],
    }
    commands = [f"az network vnet create {ids.cli_new} -n {n.vnet} --address-prefixes {a.vnet}"]
    if a.reserved:  # the VNET exists already, and creating it again would delete those subnets
        commands = []
    commands += [_subnet_command(recipe, ids, subnet) for subnet in properties["subnets"]]
    step = arm_step(
        "vnet",
        _("VNET with its subnets"),
        Resource(ids.vnet, api_versions.NETWORK, ids.tracked(properties)),
        after=before,
        az=tuple(commands),
        suited=_with_prefixes_of_others,
    )
    return replace(step, read=_telling(step.read, a.reserved)) if a.reserved else step


def _telling(read: Read, reserved: Sequence[ReservedSubnet]) -> Read:
    """`read`, with a note that lists the subnets of others that stay."""
    kept = ", ".join(f"{subnet.name} ({subnet.range})" for subnet in reserved)

    def told(ctx: Context) -> Found | None:
        found = read(ctx)
        note = _("left as they are: {subnets}", subnets=kept)
        return replace(found, note=note) if found else None

    return told


def _with_prefixes_of_others(wanted: MutableDocument, found: Document) -> MutableDocument:
    """Keep the address prefixes that subnets of others in the VNET are in."""
    properties = wanted["properties"]
    own = {subnet["name"].lower() for subnet in properties["subnets"]}
    theirs = [
        ip_network(prefix)
        for subnet in value_at(found, "properties.subnets") or ()
        if subnet["name"].lower() not in own
        for prefix in _prefixes_of(subnet["properties"])
    ]
    space = properties["addressSpace"]["addressPrefixes"]
    needed = [
        prefix
        for prefix in value_at(found, "properties.addressSpace.addressPrefixes") or ()
        if prefix not in space and any(ip_network(prefix).overlaps(subnet) for subnet in theirs)
    ]
    space = {"addressPrefixes": [*space, *needed]}
    return {**wanted, "properties": {**properties, "addressSpace": space}}


def _prefixes_of(subnet: Document) -> list[str]:
    return subnet.get("addressPrefixes") or [subnet["addressPrefix"]]


def _subnet_command(recipe: Recipe, ids: Ids, subnet: MutableDocument) -> str:
    p = subnet["properties"]
    options = [f"--address-prefixes {p['addressPrefix']}"]
    if "networkSecurityGroup" in p:
        options.append(f"--nsg {p['networkSecurityGroup']['id'].rpartition('/')[2]}")
    if "natGateway" in p:
        options.append(f"--nat-gateway {recipe.names.nat_gateway}")
    if "routeTable" in p:
        options.append(f"--route-table {ids.names.route_table}")
    if "privateEndpointNetworkPolicies" in p:
        options += [
            f"--private-endpoint-network-policies {p['privateEndpointNetworkPolicies']}",
            f"--private-link-service-network-policies {p['privateLinkServiceNetworkPolicies']}",
            f"--default-outbound-access {str(p['defaultOutboundAccess']).lower()}",
        ]
    delegations = [d["properties"]["serviceName"] for d in p.get("delegations", [])]
    if delegations:
        options.append(f"--delegations {' '.join(delegations)}")
    services = [endpoint["service"] for endpoint in p.get("serviceEndpoints", [])]
    if services:
        options.append(f"--service-endpoints {' '.join(services)}")
    return (
        f"az network vnet subnet create {ids.cli_group} --vnet-name {recipe.names.vnet} "
        f"-n {subnet['name']} {' '.join(options)}"
    )


def _subnet(recipe: Recipe, ids: Ids, which: str) -> MutableDocument:
    """One subnet. Uses the singular `addressPrefix`, the only form that Databricks reads. Outbound
    access is always explicit, because its default depends on the api-version; for the subnets of
    the secure entry, whose contents Azure runs, Azure manages it."""
    if which in ENTRY.values():
        return _entry_subnet(recipe, ids, which)
    nat = which in with_nat_gateway(recipe.security)
    properties: MutableDocument = {
        "addressPrefix": str(getattr(recipe.addresses, which)),
        "networkSecurityGroup": {"id": ids.nsg(which)},
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
        "defaultOutboundAccess": not nat and which in WITH_EGRESS,
    }
    if nat:
        properties["natGateway"] = {"id": "{nat-gateway.id}"}
    if which == "scoring" and recipe.security.aks_outbound == "user-defined-routing":
        properties["routeTable"] = {"id": "{route-table.id}"}
    if which in DATABRICKS:
        properties["delegations"] = [
            {
                "name": "0",  # the CLI's name for it, so that a delegation made by the CLI is kept
                "properties": {"serviceName": "Microsoft.Databricks/workspaces"},
            }
        ]
    services = service_endpoints(recipe.security)
    if services:
        properties["serviceEndpoints"] = [{"service": service} for service in services]
    return {"name": ids.names.subnet(which), "properties": properties}


def _entry_subnet(recipe: Recipe, ids: Ids, which: str) -> MutableDocument:
    properties: MutableDocument = {"addressPrefix": str(getattr(recipe.addresses, which))}
    if which != WITHOUT_SECURITY_GROUP:
        properties["networkSecurityGroup"] = {"id": ids.nsg(which)}
    return {"name": ids.names.subnet(which), "properties": properties}
