"""The load balancers in the node resource group: `kubernetes` has public addresses,
`kubernetes-internal` has addresses in the subnet of the nodes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from ipaddress import IPv4Network

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.aks import node_resource_group
from amlwizard.sandbox.resource_types.base import ResourceType
from amlwizard.sandbox.resource_types.network import find_subnet
from amlwizard.sandbox.state import State

TYPE = "Microsoft.Network/loadBalancers"
PUBLIC, INTERNAL = "kubernetes", "kubernetes-internal"


def expose(
    state: State, cluster: JsonObject, service: str, ports: Sequence[int], *, internal: bool
) -> None:
    """Create the frontend of a Kubernetes service, replacing its previous one."""
    withdraw(state, cluster, service)
    if internal:
        address = {"privateIPAllocationMethod": "Dynamic", **_private_address(state, cluster)}
    else:
        public = node_resource_group.expose(state, cluster, service)
        address = {"privateIPAllocationMethod": "Dynamic", "publicIPAddress": {"id": public}}
    balancer = _balancer(state, cluster, INTERNAL if internal else PUBLIC)
    name = node_resource_group.service_name(cluster, service)
    frontend = {
        "id": f"{balancer['id']}/frontendIPConfigurations/{name}",
        "name": name,
        "properties": {"provisioningState": "Succeeded", **address},
    }
    p = balancer["properties"]
    p["frontendIPConfigurations"].append(frontend)
    p["loadBalancingRules"] += [_rule(balancer, frontend, port) for port in ports]


def answering(state: State, address: str) -> tuple[JsonObject, bool] | None:
    """The cluster whose load balancer has the address, and whether that is internal."""
    for cluster in state.of_type("microsoft.containerservice/managedclusters"):
        for which in (PUBLIC, INTERNAL):
            balancer = state.get(_id(cluster, which)) or {"properties": {}}
            for frontend in balancer["properties"].get("frontendIPConfigurations", []):
                p = frontend["properties"]
                public = state.get((p.get("publicIPAddress") or {}).get("id"))
                shown = public["properties"].get("ipAddress") if public else None
                if address in (p.get("privateIPAddress"), shown):
                    return cluster, which == INTERNAL
    return None


def withdraw(state: State, cluster: JsonObject, service: str) -> None:
    """Remove the frontend of a service, and a load balancer that has none left."""
    name = node_resource_group.service_name(cluster, service)
    node_resource_group.hide(state, cluster, service)
    for which in (PUBLIC, INTERNAL):
        balancer = state.get(_id(cluster, which))
        if balancer is None:
            continue
        for items in ("frontendIPConfigurations", "loadBalancingRules"):
            kept = balancer["properties"][items]
            kept[:] = [item for item in kept if not item["name"].startswith(name)]
        if not balancer["properties"]["frontendIPConfigurations"]:
            del state.resources[balancer["id"].lower()]


def _id(cluster: JsonObject, which: str) -> str:
    return f"{node_resource_group.group_of(cluster)}/providers/{TYPE}/{which}"


def _balancer(state: State, cluster: JsonObject, which: str) -> JsonObject:
    found = state.get(_id(cluster, which))
    if found is None:
        found = state.resources[_id(cluster, which).lower()] = {
            "id": _id(cluster, which),
            "name": which,
            "type": TYPE,
            "location": cluster["location"],
            "tags": {"aks-managed-cluster-name": cluster["name"]},
            "sku": {"name": "Standard", "tier": "Regional"},
            "properties": {
                "provisioningState": "Succeeded",
                "resourceGuid": str(uuid.uuid5(uuid.NAMESPACE_URL, _id(cluster, which).lower())),
                "frontendIPConfigurations": [],
                "backendAddressPools": [],
                "loadBalancingRules": [],
                "probes": [],
                "inboundNatRules": [],
                "outboundRules": [],
                "inboundNatPools": [],
            },
        }
    return found


def _rule(balancer: JsonObject, frontend: JsonObject, port: int) -> JsonObject:
    name = f"{frontend['name']}-TCP-{port}"
    return {
        "id": f"{balancer['id']}/loadBalancingRules/{name}",
        "name": name,
        "properties": {
            "provisioningState": "Succeeded",
            "frontendIPConfiguration": {"id": frontend["id"]},
            "protocol": "Tcp",
            "frontendPort": port,
            "backendPort": port,
            "enableFloatingIP": True,
            "idleTimeoutInMinutes": 4,
            "loadDistribution": "Default",
            "disableOutboundSnat": True,
            "enableTcpReset": True,
        },
    }


def _private_address(state: State, cluster: JsonObject) -> JsonObject:
    """A free address in the subnet of the first pool, from the end; nodes use its beginning."""
    subnet_id = cluster["properties"]["agentPoolProfiles"][0].get("vnetSubnetID")
    subnet = find_subnet(state, subnet_id)
    if subnet is None:
        return {}
    used = {
        frontend["properties"].get("privateIPAddress")
        for balancer in state.of_type(TYPE)
        for frontend in balancer["properties"]["frontendIPConfigurations"]
    }
    hosts = reversed(list(IPv4Network(subnet["properties"]["addressPrefix"]).hosts()))
    return {
        "privateIPAddress": next(str(host) for host in hosts if str(host) not in used),
        "privateIPAddressVersion": "IPv4",
        "subnet": {"id": subnet["id"]},
    }


RESOURCE_TYPES = [ResourceType(TYPE)]
