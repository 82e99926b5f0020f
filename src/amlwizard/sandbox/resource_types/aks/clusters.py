"""Microsoft.ContainerService/managedClusters: versions, node pools, quota, identity."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.arm_error import ArmError, bare
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.aks import defaults, network_profile, node_resource_group
from amlwizard.sandbox.resource_types.aks.shapes import Cluster
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.responses import CREATED, DELETED, UPDATED
from amlwizard.sandbox.resource_types.role_assignments import sees_role
from amlwizard.sandbox.resource_types.vm_sizes import MACHINES, SIZES, cores_used, family, vcpus
from amlwizard.sandbox.state import State

VERSIONS = ("1.34", "1.35", "1.36", "1.37")
DEFAULT_VERSION = "1.36"
LONGEST_GROUP = 80


def _cluster(call: Call) -> None:
    p = call.properties
    pools = p.get("agentPoolProfiles") or []
    if not pools and call.old:
        pools = p["agentPoolProfiles"] = call.old["properties"]["agentPoolProfiles"]
    if not pools:
        raise ArmError(
            400, "InvalidParameter", "Required parameter agentPoolProfiles is missing (null)."
        )
    if not call.body.get("identity") and not p.get("servicePrincipalProfile"):
        raise ArmError(
            400,
            "InvalidParameter",
            "Required parameter servicePrincipalProfile or identity is missing (null).",
            "identity",
        )
    wanted = p.get("kubernetesVersion") or (call.old or {}).get("properties", {}).get(
        "kubernetesVersion", DEFAULT_VERSION
    )
    if not any(wanted == v or wanted.startswith(f"{v}.") for v in VERSIONS):
        raise ArmError(
            400,
            "K8sVersionNotSupported",
            f"Managed cluster {call.id.name} is on version {wanted}, which is not supported in "
            "this region. Please use [az aks get-versions] command to get the supported version "
            "list in this region.",
        )
    p["kubernetesVersion"] = p["currentKubernetesVersion"] = wanted
    network_profile.complete(call, pools)
    _quota(call, pools)
    _system_pool(pools)
    _identity(call, pools)
    for pool in pools:
        pool.setdefault("osType", "Linux")
        pool.setdefault("upgradeSettings", {}).setdefault("maxSurge", "10%")
        pool.setdefault("type", "VirtualMachineScaleSets")
        pool["provisioningState"] = "Succeeded"
        pool["powerState"] = {"code": "Running"}
    dns = p.setdefault("dnsPrefix", call.id.name)
    host = f"{dns}-{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()).hex[:8]}"
    access, region = p.get("apiServerAccessProfile") or {}, call.body["location"]
    private = access.get("enablePrivateCluster")
    if private:
        zone = f"{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower())}.privatelink.{region}"
        p["privateFQDN"] = f"{host}.{zone}.azmk8s.io"
    if not private or access.get("enablePrivateClusterPublicFQDN", True):
        p["fqdn"] = f"{host}.hcp.{region}.azmk8s.io"
    p["powerState"] = {"code": "Running"}
    _node_group(call)
    p["maxAgentPools"] = 100
    node_resource_group.make(call)
    p.setdefault("enableRBAC", True)
    defaults.fill(call, pools)


def _system_pool(pools: list[JsonObject]) -> None:
    for pool in pools:
        machine = MACHINES[pool["vmSize"]]
        if pool.get("mode", "System") == "System" and (machine.vcpus < 2 or machine.memory < 4):
            raise ArmError(
                400,
                "SystemPoolSkuTooLow",
                "System node pool must use VM sku with more than 2 cores and 4GB memory. Nodepool "
                f"name: {pool.get('name')}.",
            )


def _node_group(call: Call) -> None:
    made = f"MC_{call.id.group}_{call.id.name}_{call.body['location']}"
    name = call.properties.setdefault("nodeResourceGroup", made)
    if len(name) > LONGEST_GROUP:
        raise ArmError(
            400,
            "InvalidParameter",
            "The length of the node resource group name is too long. The maximum length is "
            f"{LONGEST_GROUP} and the length of the value provided is {len(name)}. Please see "
            "https://aka.ms/aks-naming-rules for more details.",
            "name",
        )


def _quota(call: Call, pools: list[JsonObject]) -> None:
    need = sum(vcpus(call.state, pool["vmSize"]) * pool.get("count", 1) for pool in pools)
    old = (call.old or {}).get("properties", {}).get("agentPoolProfiles", [])
    had = sum(SIZES.get(pool["vmSize"], 0) * pool.get("count", 1) for pool in old)
    limit = call.state.data.limits.cores
    left = limit - cores_used(call.state) + had
    if need > left:
        raise ArmError(
            400,
            "ErrCode_InsufficientVCPUQuota",
            f"Insufficient regional vcpu quota left for location {call.body['location']}. left "
            f"regional vcpu quota {left}, requested quota {need}",
        )
    for name in {family(pool["vmSize"]) for pool in pools}:
        limit = call.state.data.limits.family_cores
        left = limit - cores_used(call.state, name) + _cores(old, name)
        if _cores(pools, name) > left:
            raise ArmError(
                400,
                "ErrCode_InsufficientVCPUQuota",
                f"Insufficient vcpu quota requested {_cores(pools, name)}, remaining {left} for "
                f"family {name} for region {call.body['location']}.",
            )


def _cores(pools: list[JsonObject], of: str) -> int:
    return sum(SIZES[p["vmSize"]] * p.get("count", 1) for p in pools if family(p["vmSize"]) == of)


def _identity(call: Call, pools: list[JsonObject]) -> None:
    identity = call.body.get("identity") or {}
    if identity.get("type") == "SystemAssigned":
        identity["principalId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()))
        identity["tenantId"] = call.state.tenant
    for resource_id in identity.get("userAssignedIdentities") or {}:
        found = call.must_exist(resource_id, "identity.userAssignedIdentities")
        principal = found["properties"]["principalId"]
        identity["userAssignedIdentities"][resource_id] = {
            "principalId": principal,
            "clientId": found["properties"]["clientId"],
        }
        for pool in pools:
            subnet = pool.get("vnetSubnetID")
            if subnet and not sees_role(
                call.state, principal, subnet, "Network Contributor", "Contributor", "Owner"
            ):
                raise ArmError(
                    403,
                    "LinkedAuthorizationFailed",
                    f"The client '{found['properties']['clientId']}' with object id '{principal}' "
                    "has permission to perform action "
                    f"'Microsoft.ContainerService/managedClusters/write' on scope "
                    f"'{call.id.text}'; however, it does not have permission to perform action "
                    f"'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked "
                    f"scope(s) '{subnet}' or the linked scope(s) are invalid.",
                )


def _delete_cluster(state: State, rid: ResourceId, body: JsonObject) -> None:
    for resource in list(state.resources):
        if resource.startswith(f"{rid.text.lower()}/providers/"):
            del state.resources[resource]


POLL_MEMBERS = ("name", "startTime", "endTime")

RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.ContainerService/managedClusters",
        _cluster,
        297,
        shape=Cluster,
        creates=CREATED.polled_with(tells=POLL_MEMBERS),
        updates=UPDATED.polled_with(tells=POLL_MEMBERS),
        deletes=DELETED.polled_with(tells=POLL_MEMBERS),
        refusal=bare,
        shown=defaults.shown,
        update_seconds=141,
        name=r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?",
        delete=_delete_cluster,
        delete_seconds=218,
    ),
]
