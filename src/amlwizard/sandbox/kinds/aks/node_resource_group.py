"""The node resource group of an AKS cluster: what AKS makes there by itself, and who pays for it in
public addresses."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.kinds.base import Body
from amlwizard.sandbox.kinds.network.outbound import must_have_room, next_address
from amlwizard.sandbox.world import World


def make(world: World, cluster: Body) -> None:
    """The group, and the address by which nodes go out where the load balancer is their way."""
    group = group_of(cluster)
    if world.get(group) is None:
        world.resources[group.lower()] = {
            "id": group,
            "name": group.rsplit("/", 1)[-1],
            "type": "Microsoft.Resources/resourceGroups",
            "location": cluster["location"],
            "managedBy": cluster["id"],
            "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        }
    if cluster["properties"]["networkProfile"]["outboundType"] == "loadBalancer":
        tags = {
            "aks-managed-cluster-name": cluster["name"],
            "aks-managed-type": "aks-slb-managed-outbound-ip",
        }
        _address(world, cluster, str(uuid.uuid5(uuid.NAMESPACE_URL, group.lower())), tags)


def expose(world: World, cluster: Body, service: str) -> str:
    """The address that the public load balancer gets for a Kubernetes service; its id."""
    tags = {"k8s-azure-cluster-name": "kubernetes", "k8s-azure-service": service}
    name = f"kubernetes-{service_name(cluster, service)}"
    _address(world, cluster, name, tags)
    return _address_id(cluster, name)


def hide(world: World, cluster: Body, service: str) -> None:
    """The address goes with the service."""
    address_id = _address_id(cluster, f"kubernetes-{service_name(cluster, service)}")
    world.resources.pop(address_id.lower(), None)


def service_name(cluster: Body, service: str) -> str:
    """What Azure calls the parts of a load balancer that are for a Kubernetes service."""
    stem = f"{cluster['id']}/{service}".lower()
    return f"a{uuid.uuid5(uuid.NAMESPACE_URL, stem).hex[:31]}"


def group_of(cluster: Body) -> str:
    subscription = cluster["id"].split("/")[2]
    return (
        f"/subscriptions/{subscription}/resourceGroups/{cluster['properties']['nodeResourceGroup']}"
    )


def _address_id(cluster: Body, name: str) -> str:
    return f"{group_of(cluster)}/providers/Microsoft.Network/publicIPAddresses/{name}"


def _address(world: World, cluster: Body, name: str, tags: dict[str, str]) -> None:
    address_id = _address_id(cluster, name)
    if world.get(address_id):
        return
    must_have_room(world)
    world.resources[address_id.lower()] = {
        "id": address_id,
        "name": name,
        "type": "Microsoft.Network/publicIPAddresses",
        "location": cluster["location"],
        "tags": tags,
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": {
            "publicIPAllocationMethod": "Static",
            "publicIPAddressVersion": "IPv4",
            "idleTimeoutInMinutes": 30,
            "ipAddress": next_address(world),
            "provisioningState": "Succeeded",
        },
    }
