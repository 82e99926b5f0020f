"""The node resource group of an AKS cluster and the public addresses in it."""

from __future__ import annotations

import uuid

from amlwizard.sandbox import policies
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.base import Call
from amlwizard.sandbox.resource_types.network.outbound import must_have_room, next_address
from amlwizard.sandbox.state import State


def make(call: Call) -> None:
    """Create the group, with the tags of the cluster, and the outbound address if the load balancer
    is used. The operation fails if a policy denies one of them or the nodes."""
    state, cluster = call.state, call.body
    group = group_of(cluster)
    made = {
        "id": group,
        "name": group.rsplit("/", 1)[-1],
        "type": "Microsoft.Resources/resourceGroups",
        "location": cluster["location"],
        "managedBy": cluster["id"],
        "tags": dict(cluster.get("tags") or {}),
        "properties": {"provisioningState": "Succeeded"},
    }
    pools = cluster["properties"]["agentPoolProfiles"]
    wanted = [{**made, "type": policies.GROUP}, *(_scale_set(cluster, pool) for pool in pools)]
    for document in wanted:
        if violations := policies.denials(state, document):
            message = policies.disallowed(document, violations)
            call.fails = {"code": "RequestDisallowedByPolicy", "message": message}
            return
    if (held := state.get(group)) is None:
        state.resources[group.lower()] = made
    else:
        held["tags"] = made["tags"]
    tags = {
        "aks-managed-cluster-name": cluster["name"],
        "aks-managed-type": "aks-slb-managed-outbound-ip",
    }
    address = _address(state, cluster, str(uuid.uuid5(uuid.NAMESPACE_URL, group.lower())), tags)
    if cluster["properties"]["networkProfile"]["outboundType"] != "loadBalancer":
        state.resources.pop(address["id"].lower(), None)
    else:
        if refused := _refused(state, address):
            call.fails = {
                "code": "ReconcileStandardLoadBalancerError",
                "message": "Reconcile standard load balancer failed. Details: outboundReconciler "
                "retry failed: Category: ClientError; SubCode: RequestDisallowedByPolicy; "
                "Dependency: Microsoft.Network/PublicIPAddresses; OrginalError: "
                f'Code="RequestDisallowedByPolicy" Message="{refused}"',
            }
        else:
            _take(state, address)


def expose(state: State, cluster: JsonObject, service: str) -> str:
    """Create the public address of a Kubernetes service. Returns its id."""
    address = _for_service(state, cluster, service)
    _take(state, address)
    return str(address["id"])


def refusal(state: State, cluster: JsonObject, service: str) -> str:
    """The error if a policy denies a service its address; empty if none does."""
    return _refused(state, _for_service(state, cluster, service))


def hide(state: State, cluster: JsonObject, service: str) -> None:
    """Remove the public address of a service."""
    address_id = _address_id(cluster, f"kubernetes-{service_name(cluster, service)}")
    state.resources.pop(address_id.lower(), None)


def service_name(cluster: JsonObject, service: str) -> str:
    """The name of the load balancer's parts for a Kubernetes service."""
    stem = f"{cluster['id']}/{service}".lower()
    return f"a{uuid.uuid5(uuid.NAMESPACE_URL, stem).hex[:31]}"


def _scale_set(cluster: JsonObject, pool: JsonObject) -> JsonObject:
    return {
        "name": f"aks-{pool['name']}-vmss",
        "type": "Microsoft.Compute/virtualMachineScaleSets",
        "location": cluster["location"],
        "tags": dict(cluster.get("tags") or {}),
        "sku": {"name": pool["vmSize"], "tier": "Standard"},
        "properties": {},
    }


def group_of(cluster: JsonObject) -> str:
    subscription = cluster["id"].split("/")[2]
    return (
        f"/subscriptions/{subscription}/resourceGroups/{cluster['properties']['nodeResourceGroup']}"
    )


def _address_id(cluster: JsonObject, name: str) -> str:
    return f"{group_of(cluster)}/providers/Microsoft.Network/publicIPAddresses/{name}"


def _for_service(state: State, cluster: JsonObject, service: str) -> JsonObject:
    tags = {"k8s-azure-cluster-name": "kubernetes", "k8s-azure-service": service}
    return _address(state, cluster, f"kubernetes-{service_name(cluster, service)}", tags)


def _address(state: State, cluster: JsonObject, name: str, tags: dict[str, str]) -> JsonObject:
    """The existing address, or a new one."""
    address_id = _address_id(cluster, name)
    return state.get(address_id) or {
        "id": address_id,
        "name": name,
        "type": "Microsoft.Network/publicIPAddresses",
        "location": cluster["location"],
        "tags": {**(cluster.get("tags") or {}), **tags},
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": {
            "publicIPAllocationMethod": "Static",
            "publicIPAddressVersion": "IPv4",
            "idleTimeoutInMinutes": 30,
            "ipAddress": next_address(state),
            "provisioningState": "Succeeded",
        },
    }


def _refused(state: State, address: JsonObject) -> str:
    violations = [] if state.get(address["id"]) else policies.denials(state, address)
    return policies.disallowed(address, violations) if violations else ""


def _take(state: State, address: JsonObject) -> None:
    if not state.get(address["id"]):
        must_have_room(state)
        state.resources[address["id"].lower()] = address
