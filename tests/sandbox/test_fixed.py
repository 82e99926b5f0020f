"""Immutable properties: the sandbox refuses to change them, with the service's error code."""

from __future__ import annotations

from typing import Any

import pytest
from support.platforms import Change, Platform, both, setting, without

pytestmark = pytest.mark.xdist_group("refusals")

PROFILE, POOL = "properties.networkProfile", "properties.agentPoolProfiles.0"
NOT_ALLOWED = (400, "PropertyChangeNotAllowed")
ELSEWHERE = "/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/virtualNetworks/z"


def pool(name: str) -> Change:
    def change(body: Any) -> None:
        pools = body["properties"]["agentPoolProfiles"]
        pools.append({**pools[0], "name": name, "mode": "User"})

    return change


REFUSED: dict[str, tuple[str, Change, tuple[int, str]]] = {
    "node size": ("aks", setting(f"{POOL}.vmSize", "Standard_D4s_v5"), NOT_ALLOWED),
    "pods of a node": ("aks", setting(f"{POOL}.maxPods", 50), NOT_ALLOWED),
    "subnet of nodes": ("aks", setting(f"{POOL}.vnetSubnetID", f"{ELSEWHERE}/subnets/s"), NOT_ALLOWED),
    "a pool more": ("aks", pool("other"), (400, "BadRequest")),
    "service range": (
        "aks",
        both(setting(f"{PROFILE}.serviceCidr", "10.1.0.0/16"), setting(f"{PROFILE}.dnsServiceIP", "10.1.0.10")),
        NOT_ALLOWED,
    ),
    "DNS address": ("aks", setting(f"{PROFILE}.dnsServiceIP", "172.16.0.20"), NOT_ALLOWED),
    "pod range": ("aks", setting(f"{PROFILE}.podCidr", "10.250.0.0/16"), NOT_ALLOWED),
    "network plugin": ("aks", setting(f"{PROFILE}.networkPlugin", "kubenet"), NOT_ALLOWED),
    "overlay taken off": ("aks", setting(f"{PROFILE}.networkPluginMode", "none"), NOT_ALLOWED),
    "made private": (
        "aks", setting("properties.apiServerAccessProfile", {"enablePrivateCluster": True}), NOT_ALLOWED,
    ),
    "DNS prefix": ("aks", setting("properties.dnsPrefix", "other"), NOT_ALLOWED),
    "no RBAC": ("aks", setting("properties.enableRBAC", False), NOT_ALLOWED),
    "node group": ("aks", setting("properties.nodeResourceGroup", "rg-nodes"), NOT_ALLOWED),
    "older Kubernetes": (
        "aks", setting("properties.kubernetesVersion", "1.35"), (400, "OperationNotAllowed"),
    ),
    "storage kind": ("storage", setting("kind", "BlobStorage"), (400, "AccountPropertyCannotBeUpdated")),
    "hierarchical namespace": (
        "storage", setting("properties.isHnsEnabled", False), (400, "AccountPropertyCannotBeUpdated"),
    ),
    "premium storage": (
        "storage", setting("sku.name", "Premium_LRS"), (409, "StorageAccountTypeConversionNotAllowed"),
    ),
    "retention": ("key-vault", setting("properties.softDeleteRetentionInDays", 7), (400, "BadRequest")),
    "soft delete": ("key-vault", setting("properties.enableSoftDelete", False), (400, "BadRequest")),
    "another vault": ("workspace", setting("properties.keyVault", "/subscriptions/x/y"), (400, "ValidationError")),
    "managed group": (
        "databricks",
        setting("properties.managedResourceGroupId", "/subscriptions/x/resourceGroups/rg-new"),
        (400, "ApplicationUpdateFail"),
    ),
    "lower tier": ("databricks", setting("sku.name", "standard"), (400, "ApplicationUpdateFail")),
    "endpoint's subnet": (
        "private-endpoint.key-vault",
        setting("properties.subnet.id", f"{ELSEWHERE}/subnets/s"),
        (400, "CannotChangeSubnetOnExistingPrivateEndpoint"),
    ),
    "endpoint's target": (
        "private-endpoint.key-vault",
        setting("properties.privateLinkServiceConnections.0.properties.privateLinkServiceId", "/x/y"),
        (400, "CannotChangePrivateLinkConnectionOnPrivateEndpoint"),
    ),
    "zones of an address": ("public-ip", setting("zones", ["1"]), (400, "ResourceAvailabilityZonesCannotBeModified")),
    "region of a VNET": ("vnet", setting("location", "northeurope"), (409, "InvalidResourceLocation")),
    "region of an identity": ("aks-identity", setting("location", "northeurope"), (409, "InvalidResourceLocation")),
    "linked VNET": (
        "dns-link.privatelink.vaultcore.azure.net",
        setting("properties.virtualNetwork.id", ELSEWHERE),
        (400, "BadRequest"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_stays_as_it_is_is_refused(platform: Platform, what: str) -> None:
    step, change, answer = REFUSED[what]
    error = platform.refused(step, change)
    assert (error.status, error.code) == answer


TAKEN: dict[str, tuple[str, Change]] = {
    "more nodes": ("aks", setting(f"{POOL}.count", 4)),
    "newer Kubernetes": ("aks", setting("properties.kubernetesVersion", "1.37")),
    "the same patch": ("aks", setting("properties.kubernetesVersion", "1.36.1")),
    "copies elsewhere": ("storage", setting("sku.name", "Standard_GRS")),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_may_change_does(platform: Platform, what: str) -> None:
    platform.put(*TAKEN[what])


def test_what_is_left_out_stays(platform: Platform) -> None:
    before = platform.put("aks", setting("properties.enableRBAC", True))
    after = platform.put("aks", without(f"{PROFILE}.podCidr"))
    assert (
        after["properties"]["networkProfile"]["podCidr"]
        == before["properties"]["networkProfile"]["podCidr"]
    )


def test_the_size_of_a_compute_stays_without_a_word(platform: Platform) -> None:
    """As the service does: azure-rest-api-specs issue 18889."""
    answer = platform.put(
        "build-compute", setting("properties.properties.vmSize", "Standard_DS2_v2")
    )
    was = platform.document("build-compute")[2]["properties"]["properties"]["vmSize"]
    assert answer["properties"]["properties"]["vmSize"] == was.upper()
