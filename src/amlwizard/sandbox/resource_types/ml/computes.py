"""Computes of a workspace: compute clusters and attached Kubernetes clusters."""

from __future__ import annotations

import re

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_types.aks import inference_settings
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.ml.errors import full_error, user_error
from amlwizard.sandbox.resource_types.ml.identity import identify
from amlwizard.sandbox.resource_types.ml.names import NAMESPACE
from amlwizard.sandbox.resource_types.ml.responses import COMPUTE, COMPUTE_REMOVED
from amlwizard.sandbox.resource_types.ml.shapes import Compute
from amlwizard.sandbox.resource_types.network import find_subnet
from amlwizard.sandbox.resource_types.vm_sizes import spelled, vcpus

# Accepted, but not simulated.
OTHER_COMPUTES = (
    "AKS", "ComputeInstance", "DataFactory", "DataLakeAnalytics", "Databricks", "HDInsight",
    "SynapseSpark", "VirtualMachine",
)  # fmt: skip

CLUSTER = {
    "allocationState": "Steady",
    "currentNodeCount": 0,
    "enableNodePublicIp": True,
    "isolatedNetwork": False,
    "nodeStateCounts": {
        f"{state}NodeCount": 0
        for state in ("preparing", "running", "idle", "unusable", "leaving", "preempted")
    },
    "osType": "Linux",
    "propertyBag": {},
    "remoteLoginPortPublicAccess": "Enabled",
    "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT2M"},
    "targetNodeCount": 0,
    "vmPriority": "Dedicated",
}


def _compute(call: Call) -> None:
    workspace = call.parent()
    p = call.properties
    kind = p.get("computeType")
    if kind in ("AmlCompute", "ComputeInstance"):
        _machines(call, workspace, p.setdefault("properties", {}))
    if kind == "AmlCompute":
        _cluster(call, p["properties"])
    elif kind == "Kubernetes":
        _attached(call, p.setdefault("properties", {}))
    elif kind not in OTHER_COMPUTES:
        raise user_error(f"There is no compute of type {kind}.", "computeType")
    identify(call)
    old = (call.old or {}).get("properties", {})
    p["createdOn"], p["modifiedOn"] = old.get("createdOn") or timestamp(), timestamp()
    p["isAttachedCompute"] = kind not in ("AmlCompute", "ComputeInstance")
    p.setdefault("disableLocalAuth", p["isAttachedCompute"])
    p["computeLocation"] = call.body.get("location")
    p["provisioningErrors"] = None


def _cluster(call: Call, inner: JsonObject) -> None:
    inner["vmSize"] = inner["vmSize"].upper()
    inner["allocationStateTransitionTime"] = timestamp()
    complete(inner, CLUSTER)


def _machines(call: Call, workspace: JsonObject, inner: JsonObject) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", call.id.name):
        raise user_error(f"The compute name {call.id.name} is not valid.", "name")
    if not inner.get("vmSize"):
        raise user_error("An AmlCompute needs a VM size.", "vmSize")
    vcpus(call.state, spelled(inner["vmSize"]))
    subnet_id = (inner.get("subnet") or {}).get("id")
    subnet = find_subnet(call.state, subnet_id)
    if subnet_id and subnet is None:
        raise user_error(f"The subnet {subnet_id} was not found.", "subnet")
    if subnet and subnet["properties"]["delegations"]:
        raise user_error(f"The subnet {subnet_id} is delegated: compute cannot use it.", "subnet")
    linked = [
        c
        for c in workspace["properties"]["privateEndpointConnections"]
        if c["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    ]
    if inner.get("enableNodePublicIp") is False and not linked:
        raise user_error("Provided EnableNodePublicIp 'False' requires workspace private endpoint.")


def _attached(call: Call, inner: JsonObject) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,14}[A-Za-z0-9]", call.id.name):
        raise user_error(f"The compute name {call.id.name} is not valid.", "name")
    cluster = call.state.get(call.properties.get("resourceId"))
    if cluster is None:
        raise ArmError(404, "ClusterNotFound", "Cannot found Kubernetes cluster.")
    if inference_settings(call.state, cluster["id"]) is None:
        call.fails = {  # detected only when the operation accesses the cluster
            "code": "ClusterServiceNotFound",
            "message": "AzureML extension service not found in cluster.",
        }
    inner.setdefault("namespace", "default")
    inner.setdefault("defaultInstanceType", "defaultinstancetype")
    inner.setdefault(
        "instanceTypes",
        {
            "defaultinstancetype": {
                "resources": {
                    "requests": {"cpu": "100m", "memory": "2Gi"},
                    "limits": {"cpu": "2", "memory": "2Gi"},
                }
            }
        },
    )


RESOURCE_TYPES = [
    ResourceType(
        f"{NAMESPACE}/workspaces/computes",
        _compute,
        30,
        shape=Compute,
        location="",
        creates=COMPUTE,
        updates=COMPUTE,
        deletes=COMPUTE_REMOVED,
        refusal=full_error,
        update_seconds=31,
        delete_seconds=3,
    ),
]
