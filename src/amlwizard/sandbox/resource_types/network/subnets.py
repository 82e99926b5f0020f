"""Subnets: their ranges, requirements and users."""

from __future__ import annotations

from ipaddress import IPv4Network

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, JsonValue
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.network.names import NAME, UPDATING, WEAK
from amlwizard.sandbox.resource_types.network.security_groups import (
    BASTION_SUBNET,
    must_suit_bastion,
)
from amlwizard.sandbox.resource_types.network.shapes import Subnet
from amlwizard.sandbox.state import State

DATABRICKS = "Microsoft.Databricks/workspaces"
# Read-only members that show the users of a subnet.
USERS = ("ipConfigurations", "privateEndpoints", "serviceAssociationLinks")
GATEWAY_SUBNET = "GatewaySubnet"


def prefix(text: JsonValue, target: str) -> IPv4Network:
    try:
        return IPv4Network(str(text))
    except ValueError:
        raise ArmError(
            400,
            "InvalidAddressPrefixFormat",
            f"Address prefix {text} of resource {target} is not formatted correctly. It should "
            "follow CIDR notation, for example 10.0.0.0/24.",
        ) from None


def placed(
    call: Call,
    subnet: JsonObject,
    old: JsonObject | None,
    prefixes: list[IPv4Network],
    others: list[JsonObject],
) -> JsonObject:
    """The document of a subnet in a VNET with these `prefixes` and `others`."""
    name = str(subnet.get("name"))
    vnet = call.id.text if call.id.type.endswith("virtualnetworks") else call.id.parent
    subnet_id = f"{vnet}/subnets/{name}"
    p = {k: v for k, v in (subnet.get("properties") or {}).items() if k not in USERS}
    text = p.get("addressPrefix") or (p.get("addressPrefixes") or [None])[0]
    network = prefix(text, subnet_id)
    _must_fit_in(vnet, name, network, prefixes, others)
    for key in ("networkSecurityGroup", "natGateway", "routeTable"):
        if p.get(key):
            call.must_exist(p[key].get("id"), f"properties.{key}")
    _suits_its_name(call, name, p)
    _suits_its_users(call, subnet_id, p, old is not None and network != _range_of(old))
    _complete(call, subnet_id, p, is_new=old is None)
    p["addressPrefix"] = str(network)
    p.pop("addressPrefixes", None)
    p["provisioningState"] = "Succeeded"
    return {
        "name": name,
        "id": subnet_id,
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "properties": p,
    }


def _range_of(subnet: JsonObject) -> IPv4Network:
    return IPv4Network(subnet["properties"]["addressPrefix"])


def _must_fit_in(
    vnet: str,
    name: str,
    network: IPv4Network,
    prefixes: list[IPv4Network],
    others: list[JsonObject],
) -> None:
    vnet_name = vnet.rsplit("/", 1)[-1]
    if not any(network.subnet_of(parent) for parent in prefixes) or network.prefixlen > 29:
        raise ArmError(
            400,
            "NetcfgInvalidSubnet",
            f"Subnet '{name}' is not valid in virtual network '{vnet_name}'.",
        )
    for other in others:
        if network.overlaps(_range_of(other)):
            raise ArmError(
                400,
                "NetcfgSubnetRangesOverlap",
                f"Subnet '{name}' is not valid because its IP address range overlaps with that of "
                f"an existing subnet '{other['name']}' in virtual network '{vnet_name}'.",
            )


def _suits_its_users(call: Call, subnet_id: str, p: JsonObject, moves: bool) -> None:
    """Refuse what is incompatible with the users of the subnet. `moves`: its range changes."""
    users = [user.lower() for user in usage(call.state, subnet_id)]
    if any("/microsoft.databricks/workspaces/" in user for user in users):
        _suits_databricks(subnet_id, p)
    if users and moves:
        raise ArmError(
            400,
            "InUseSubnetCannotBeUpdated",
            f"Subnet {subnet_id.rsplit('/', 1)[-1]} is in use and cannot be updated.",
        )
    if (
        any("/privateendpoints/" in user for user in users)
        and p.get("privateEndpointNetworkPolicies") == "Enabled"
    ):
        raise ArmError(
            400,
            "PrivateEndpointNetworkPoliciesCannotBeEnabledOnPrivateEndpointSubnet",
            f"Private endpoint network policies cannot be enabled on private endpoint subnet "
            f"{subnet_id}.",
        )


def _suits_databricks(subnet_id: str, p: JsonObject) -> None:
    services = {d["properties"].get("serviceName") for d in p.get("delegations", [])}
    if DATABRICKS not in services:
        raise ArmError(
            400,
            "SubnetMissingRequiredDelegation",
            f"Subnet {subnet_id} requires any of the following delegation(s) "
            f"[{DATABRICKS}] to reference service association link "
            f"{subnet_id}/serviceAssociationLinks/adb.",
        )
    if not p.get("networkSecurityGroup"):
        raise ArmError(
            400,
            "NetworkSecurityGroupCannotBeRemovedDueToNipOnSubnet",
            f"The network security group of subnet {subnet_id} cannot be removed: a network "
            "intent policy is on the subnet.",
        )


def _complete(call: Call, subnet_id: str, p: JsonObject, *, is_new: bool) -> None:
    for delegation in p.get("delegations", []):
        delegation["id"] = f"{subnet_id}/delegations/{delegation.get('name')}"
        delegation["type"] = "Microsoft.Network/virtualNetworks/subnets/delegations"
        delegation["properties"]["provisioningState"] = "Succeeded"
        delegation["properties"].setdefault(
            "actions", ["Microsoft.Network/virtualNetworks/subnets/join/action"]
        )
    for endpoint in p.get("serviceEndpoints", []):
        endpoint["provisioningState"] = "Succeeded"
        endpoint.setdefault("locations", [call.body.get("location", "westeurope")])
    p.setdefault("delegations", [])
    p.setdefault("privateEndpointNetworkPolicies", "Disabled")
    p.setdefault("privateLinkServiceNetworkPolicies", "Enabled")
    if "defaultOutboundAccess" not in p and call.version > "2026-03-31" and is_new:
        p["defaultOutboundAccess"] = False


def _suits_its_name(call: Call, name: str, p: JsonObject) -> None:
    """Check the security group of subnets with reserved names."""
    group_id = (p.get("networkSecurityGroup") or {}).get("id")
    if group_id and name == GATEWAY_SUBNET:
        raise ArmError(
            400,
            "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet",
            f"The operation failed because the network security group {group_id.rsplit('/', 1)[-1]}"
            " can not be associated to the GatewaySubnet. Please remove the network security group"
            " associated to the GatewaySubnet. No changes have occurred on the gateway at this "
            "time. See here for additional details: https://aka.ms/GatewaySubnet.",
        )
    if group_id and name == BASTION_SUBNET:
        group = call.must_exist(group_id, "properties.networkSecurityGroup")
        must_suit_bastion(group["name"], group["properties"]["securityRules"])


def _one_subnet(call: Call) -> None:
    """PUT of one subnet, which is part of the document of its VNET."""
    vnet = call.parent()
    prefixes = [IPv4Network(p) for p in vnet["properties"]["addressSpace"]["addressPrefixes"]]
    subnets = vnet["properties"]["subnets"]
    others = [s for s in subnets if s["name"].lower() != call.id.name.lower()]
    old = next((s for s in subnets if s not in others), None)
    call.body["name"] = call.id.name
    call.body["location"] = vnet["location"]
    done = placed(call, call.body, old, prefixes, others)
    call.body.clear()
    call.body.update(done)
    vnet["properties"]["subnets"] = [*others, done]


def _in_use(state: State, rid: ResourceId, body: JsonObject) -> None:
    must_be_free(state, rid.text)


def must_be_free(state: State, subnet_id: str) -> None:
    users = usage(state, subnet_id)
    if users:
        raise ArmError(
            400,
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet_id.rsplit('/', 1)[-1]} is in use by {users[0]} and cannot be deleted. "
            "In order to delete the subnet, delete all the resources within the subnet. See "
            "aka.ms/deletesubnet.",
        )


def usage(state: State, subnet_id: str) -> list[str]:
    """Ids of the resources that have addresses in a subnet."""
    wanted, name = subnet_id.lower(), subnet_id.rsplit("/", 1)[-1].lower()
    vnet = subnet_id.rsplit("/", 2)[0].lower()
    users = []
    for resource in state.resources.values():
        kind, p = resource.get("type", "").lower(), resource.get("properties", {})
        if kind == "microsoft.network/privateendpoints":
            subnets = [p["subnet"]["id"]]
        elif kind == "microsoft.containerservice/managedclusters":
            subnets = [pool.get("vnetSubnetID") or "" for pool in p["agentPoolProfiles"]]
        elif kind == "microsoft.machinelearningservices/workspaces/computes":
            subnets = [((p.get("properties") or {}).get("subnet") or {}).get("id", "")]
        elif kind in ("microsoft.network/bastionhosts", "microsoft.network/virtualnetworkgateways"):
            subnets = [
                c["properties"].get("subnet", {}).get("id", "") for c in p["ipConfigurations"]
            ]
        elif kind == "microsoft.databricks/workspaces":
            given = p.get("parameters") or {}
            same = given.get("customVirtualNetworkId", {}).get("value", "").lower() == vnet
            names = [
                given.get(key, {}).get("value", "").lower()
                for key in ("customPublicSubnetName", "customPrivateSubnetName")
            ]
            if same and name in names:
                users.append(resource["id"])
            continue
        else:
            continue
        if wanted in (text.lower() for text in subnets):
            users.append(resource["id"])
    return users


def with_users(state: State, subnet: JsonObject) -> JsonObject:
    """The subnet with its users, as Azure shows it."""
    links: dict[str, list[JsonObject]] = {kind: [] for kind in USERS}
    for user in usage(state, subnet["id"]):
        kind = user.lower().rpartition("/providers/")[2]
        if kind.startswith("microsoft.network/privateendpoints"):
            links["privateEndpoints"].append({"id": user})
        elif kind.startswith("microsoft.databricks/"):
            links["serviceAssociationLinks"].append(
                {
                    "name": "adb",
                    "id": f"{subnet['id']}/serviceAssociationLinks/adb",
                    "type": "Microsoft.Network/virtualNetworks/subnets/serviceAssociationLinks",
                    "properties": {
                        "provisioningState": "Succeeded",
                        "linkedResourceType": DATABRICKS,
                        "link": user,
                        "allowDelete": False,
                        "locations": [],
                    },
                }
            )
        else:
            links["ipConfigurations"].append({"id": f"{user}/ipConfigurations/1"})
    shown = {kind: found for kind, found in links.items() if found}
    return {**subnet, "properties": {**subnet["properties"], **shown}}


def find_subnet(state: State, subnet_id: str | None) -> JsonObject | None:
    if not subnet_id:
        return None
    vnet = state.get(subnet_id.rsplit("/", 2)[0]) or {}
    subnets: list[JsonObject] = vnet.get("properties", {}).get("subnets", [])
    return next((s for s in subnets if s["id"].lower() == subnet_id.lower()), None)


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Network/virtualNetworks/subnets",
        _one_subnet,
        2,
        shape=Subnet,
        location="",
        name=NAME,
        missing="NotFound",
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=1,
        delete_seconds=6,
        blocked=_in_use,
        shown=with_users,
    )
]
