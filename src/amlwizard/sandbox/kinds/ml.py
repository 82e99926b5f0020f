"""Microsoft.MachineLearningServices: the workspace, its computes, its endpoints, its models."""

from __future__ import annotations

import re
import uuid
from typing import Any

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.kinds.network import find_subnet
from amlwizard.sandbox.kinds.role_assignments import has_role
from amlwizard.sandbox.kinds.sizes import vcpus
from amlwizard.sandbox.world import World

ML = "Microsoft.MachineLearningServices"
# Taken as they are: nothing here runs on them.
OTHER_COMPUTES = (
    "AKS", "ComputeInstance", "DataFactory", "DataLakeAnalytics", "Databricks", "HDInsight",
    "SynapseSpark", "VirtualMachine",
)  # fmt: skip


def _invalid(message: str, target: str | None = None) -> ArmError:
    return ArmError(400, "UserError", message, target)


def _workspace(call: Call) -> None:
    if call.old is None and call.world.data["deleted"].get(_workspace_key(call.id)):
        raise ArmError(
            400,
            "BadRequest",
            "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete",
        )
    call.require("identity.type")
    p, old = call.properties, (call.old or {}).get("properties", {})
    for key, needed in (
        ("storageAccount", True),
        ("keyVault", True),
        ("applicationInsights", False),
        ("containerRegistry", False),
    ):
        if not p.get(key):
            if needed:
                raise ArmError(
                    400,
                    "ValidationError",
                    f"Missing dependent resources in workspace json: {key}",
                    key,
                )
            continue
        call.must_exist(p[key], f"properties.{key}")
        if key in ("storageAccount", "keyVault") and old and old[key].lower() != p[key].lower():
            raise ArmError(
                400, "ValidationError", f"{key} cannot be changed after the workspace was created."
            )
    guid = old.get("workspaceId", str(uuid.uuid4()))
    p["workspaceId"] = guid
    port = call.centre.port_of("ml", call.id.text)
    call.centre.port_of("ml-inside", call.id.text)
    base = f"https://127.0.0.1:{port}"
    p["mlFlowTrackingUri"] = f"{base}/mlflow/v1.0{call.id.text}"
    p["discoveryUrl"] = f"{base}/discovery"
    p.setdefault("publicNetworkAccess", "Enabled")
    p.setdefault("v1LegacyMode", False)
    p.setdefault("hbiWorkspace", False)
    p.setdefault("friendlyName", call.id.name)
    p["tenantId"] = call.world.tenant
    p["notebookInfo"] = {
        "resourceId": uuid.uuid5(uuid.NAMESPACE_URL, guid).hex,
        "fqdn": f"ml-{call.id.name.lower()}-{call.body['location']}-{guid}.notebooks.azure.net",
    }
    p["privateEndpointConnections"] = old.get("privateEndpointConnections", [])
    p["provisioningState"] = "Succeeded"
    call.body["identity"].update(
        principalId=str(uuid.uuid5(uuid.NAMESPACE_URL, guid)), tenantId=call.world.tenant
    )
    call.body.setdefault("sku", {"name": "Basic", "tier": "Basic"})
    call.centre.tracking.start(guid)


def _workspace_key(rid: ResourceId) -> str:
    return f"workspaces/{rid.subscription}/{rid.group}/{rid.name}".lower()


def _delete_workspace(world: World, rid: ResourceId, body: Body) -> None:
    world.data["deleted"][_workspace_key(rid)] = {"id": body["id"], "location": body["location"]}


async def _deleted_workspaces(call: Call) -> list[Body]:
    """The list of a whole subscription still shows what is softly deleted; nothing else does."""
    if call.id.group or not call.id.is_collection:
        return []
    return [
        {
            "id": held["id"],
            "name": held["id"].rsplit("/", 1)[-1],
            "type": f"{ML}/workspaces",
            "location": held["location"],
            "properties": {"provisioningState": "Succeeded"},
        }
        for key, held in call.world.data["deleted"].items()
        if key.startswith(f"workspaces/{call.id.subscription}/".lower())
    ]


def _purge_workspace(world: World, rid: ResourceId) -> bool:
    return world.data["deleted"].pop(_workspace_key(rid), None) is not None


def _parent(call: Call, depth: int = 1) -> Body:
    parent = call.id.text.rsplit("/", 2 * depth)[0]
    found = call.world.get(parent)
    if found is None:
        raise ArmError(
            404,
            "ParentResourceNotFound",
            f"Failed to perform 'write' on resource(s) of type '{call.id.type}', because the "
            f"parent resource '{parent}' could not be found.",
        )
    return found


def _compute(call: Call) -> None:
    workspace = _parent(call)
    p = call.properties
    kind = p.get("computeType")
    inner = p.setdefault("properties", {}) if kind in ("AmlCompute", "Kubernetes") else {}
    if kind == "AmlCompute":
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", call.id.name):
            raise _invalid(f"The compute name {call.id.name} is not valid.", "name")
        if not inner.get("vmSize"):
            raise _invalid("An AmlCompute needs a VM size.", "vmSize")
        vcpus(call.world, inner["vmSize"])
        subnet_id = (inner.get("subnet") or {}).get("id")
        subnet = find_subnet(call.world, subnet_id)
        if subnet_id and subnet is None:
            raise _invalid(f"The subnet {subnet_id} was not found.", "subnet")
        if subnet and subnet["properties"]["delegations"]:
            raise _invalid(f"The subnet {subnet_id} is delegated: compute cannot use it.", "subnet")
        linked = [
            c
            for c in workspace["properties"]["privateEndpointConnections"]
            if c["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
        ]
        if inner.get("enableNodePublicIp") is False and not linked:
            raise _invalid(
                "A compute without public IP needs a workspace with a private endpoint.",
                "enableNodePublicIp",
            )
        inner.update(allocationState="Steady", currentNodeCount=0, targetNodeCount=0)
        inner.setdefault("vmPriority", "Dedicated")
        inner.setdefault("osType", "Linux")
    elif kind == "Kubernetes":
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,14}[A-Za-z0-9]", call.id.name):
            raise _invalid(f"The compute name {call.id.name} is not valid.", "name")
        cluster = call.world.get(p.get("resourceId"))
        if cluster is None:
            raise ArmError(404, "ClusterNotFound", "Cannot found Kubernetes cluster.")
        if inference_settings(call.world, cluster["id"]) is None:
            raise ArmError(
                400,
                "ClusterServiceNotFound",
                "AzureML extension service not found in cluster.",
            )
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
    elif kind not in OTHER_COMPUTES:
        raise _invalid(f"There is no compute of type {kind}.", "computeType")
    _identify(call)
    p["isAttachedCompute"] = kind == "Kubernetes"
    p["computeLocation"] = call.body.get("location")
    p["provisioningErrors"] = None


def inference_settings(world: World, cluster_id: str) -> Body | None:
    """Settings (lower-case keys) of a working extension with inference, None where there is none."""
    for extension in world.of_type("microsoft.kubernetesconfiguration/extensions", cluster_id):
        p = extension["properties"]
        settings = {k.lower(): str(v) for k, v in (p.get("configurationSettings") or {}).items()}
        if (
            p["extensionType"].lower() == "microsoft.azureml.kubernetes"
            and p["provisioningState"] == "Succeeded"
            and settings.get("enableinference", "").lower() == "true"
        ):
            return settings
    return None


def _endpoint(call: Call) -> None:
    _parent(call)
    call.require("properties.authMode")
    p = call.properties
    if p["authMode"] not in ("Key", "AMLToken"):
        raise _invalid(f"authMode {p['authMode']} is not offered on Kubernetes.", "authMode")
    for other in call.world.of_type(f"{ML}/workspaces/onlineEndpoints"):
        if (
            other["name"].lower() == call.id.name.lower()
            and other["id"].lower() != call.id.text.lower()
        ):
            raise ArmError(
                409,
                "ResourceNameConflict",
                f"The endpoint name {call.id.name} is already in use in this region.",
            )
    if f"{ML}/endpoints/{call.id.name}".lower() in (t.lower() for t in call.world.data["taken"]):
        raise ArmError(
            409,
            "ResourceNameConflict",
            f"The endpoint name {call.id.name} is already in use in this region.",
        )
    compute = call.must_exist(p.get("compute"), "properties.compute")
    if compute["properties"].get("computeType") != "Kubernetes":
        raise _invalid("The compute of an endpoint must be a Kubernetes compute.", "compute")
    traffic = p.setdefault("traffic", {})
    for name in traffic:
        if call.world.get(f"{call.id.text}/deployments/{name}") is None:
            raise _invalid(f"The deployment {name} named in traffic does not exist.", "traffic")
    if sum(traffic.values()) not in (0, 100):
        raise _invalid("The traffic of an endpoint must sum up to 0 or 100.", "traffic")
    call.body["kind"] = "K8S"
    p["scoringUri"] = call.centre.serving.uri(call.id, compute)
    p["swaggerUri"] = p["scoringUri"].replace("/score", "/swagger.json")
    p.setdefault("publicNetworkAccess", "Enabled")
    p.setdefault("properties", {})
    _identify(call)


def _identify(call: Call) -> None:
    """Give what asks for a system-assigned identity its own."""
    if (call.body.get("identity") or {}).get("type") == "SystemAssigned":
        old = ((call.old or {}).get("identity") or {}).get("principalId")
        call.body["identity"].update(
            principalId=old or str(uuid.uuid4()), tenantId=call.world.tenant
        )


def _deployment(call: Call) -> None:
    endpoint = _parent(call)
    call.require("properties.endpointComputeType")
    p = call.properties
    if p["endpointComputeType"] != "Kubernetes":
        raise _invalid("The endpoint takes Kubernetes deployments only.", "endpointComputeType")
    if not 6 <= len(call.id.name) + len(endpoint["name"]) <= 62:
        raise _invalid(
            "The names of endpoint and deployment must have 6 to 62 characters together.", "name"
        )
    if not p.get("model"):
        raise _invalid("A deployment needs a model.", "model")
    p.setdefault("scaleSettings", {"scaleType": "Default"})
    p.setdefault("containerResourceRequirements", {})
    p.setdefault("appInsightsEnabled", False)
    p.setdefault("properties", {})
    call.body.setdefault("sku", {"name": "Default", "capacity": 1})
    workspace = call.world.get(call.id.text.rsplit("/", 4)[0])
    assert workspace
    reason = _image_build_problem(call, workspace)
    if reason:
        call.fails = {"code": "ImageBuildFailure", "message": reason}
        return
    if not _may_pull(call, endpoint, workspace):
        call.fails = {
            "code": "DeploymentIdentityError",
            "message": "Failed to create Kubernetes deployment identity, Reason: "
            "ACRTokenExchangeForbidden. The identity of the endpoint needs AcrPull on the "
            "registry and Storage Blob Data Reader on the storage account.",
        }
        return
    call.work = call.centre.serving.deploy(call.id, workspace, p)


def _may_pull(call: Call, endpoint: Body, workspace: Body) -> bool:
    """Whether the endpoint's identity gets at image and model."""
    principal = (endpoint.get("identity") or {}).get("principalId", "")
    p = workspace["properties"]
    registry = p.get("containerRegistry")
    return (not registry or has_role(call.world, principal, registry, "AcrPull")) and has_role(
        call.world,
        principal,
        p["storageAccount"],
        "Storage Blob Data Reader",
        "Storage Blob Data Contributor",
    )


def _takes_traffic(world: World, rid: ResourceId, body: Body) -> None:
    endpoint = world.get(rid.parent)
    share = ((endpoint or {}).get("properties", {}).get("traffic") or {}).get(rid.name, 0)
    if share:
        raise _invalid(
            f"Deployment {rid.name} has {share}% of the live traffic: set its traffic to 0 before "
            "it is deleted.",
            "traffic",
        )


def _image_build_problem(call: Call, workspace: Body) -> str | None:
    """Why the image cannot be built: a closed registry needs a compute of ours to build on."""
    p = workspace["properties"]
    registry = call.world.get(p.get("containerRegistry"))
    if registry is None:
        return None
    rp = registry["properties"]
    closed = rp["publicNetworkAccess"] == "Disabled" or (
        (rp.get("networkRuleSet") or {}).get("defaultAction") == "Deny"
    )
    if not closed:
        return None
    name = p.get("imageBuildCompute")
    compute = call.world.get(f"{workspace['id']}/computes/{name}") if name else None
    if compute and compute["properties"]["provisioningState"] == "Succeeded":
        return None
    return (
        "ACR Tasks cannot reach a container registry behind a virtual network: set "
        "imageBuildCompute of the workspace to a compute cluster "
        + (f"(there is no compute {name})." if name else "(it is not set).")
    )


def _list_keys(call: Call) -> Body:
    return {
        key: endpoint_key(call.world, call.id.text, key) for key in ("primaryKey", "secondaryKey")
    }


def endpoint_key(world: World, endpoint_id: str, which: str) -> str:
    if which == "primaryKey" and "scoring_key" in world.planted:
        return world.planted["scoring_key"]
    return world.derive("endpoint", endpoint_id.lower(), which)


def _logs(call: Call) -> Body:
    return {"content": call.centre.serving.logs(call.id.text)}


def _resync(call: Call) -> None:
    return None


NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}"
ENDPOINT = r"[A-Za-z]([A-Za-z0-9-]{1,30}[A-Za-z0-9])"


def _model(call: Call) -> None:
    """A model, or a version of one, that ARM is told of; the others are in the MLflow registry."""
    _parent(call, 2 if len(call.id.names) == 3 else 1)
    p = call.properties
    for key, value in (("isArchived", False), ("tags", {}), ("properties", {})):
        p.setdefault(key, value)
    if len(call.id.names) == 3:
        call.require("properties.modelUri")
        p.setdefault("modelType", "custom_model")
        p.setdefault("isAnonymous", False)


async def _model_versions(call: Call) -> list[Body]:
    workspace = call.id.text.split("/models/")[0]
    return await call.centre.tracking.model_versions(
        _guid(call, workspace), workspace, call.id.names[1]
    )


async def _models(call: Call) -> list[Body]:
    workspace = call.id.text.rsplit("/models", 1)[0]
    return await call.centre.tracking.models(_guid(call, workspace), workspace)


def _guid(call: Call, workspace_id: str) -> Any:
    workspace = call.world.get(workspace_id)
    if workspace is None:
        raise ArmError(404, "ResourceNotFound", f"The workspace {workspace_id} was not found.")
    return workspace["properties"]["workspaceId"]


KINDS = [
    Kind(
        f"{ML}/workspaces",
        _workspace,
        60,
        accepts=202,
        name=NAME,
        delete=_delete_workspace,
        delete_seconds=30,
        purge=_purge_workspace,
        items=_deleted_workspaces,
        actions={"resynckeys": _resync},
    ),
    Kind(
        f"{ML}/workspaces/computes",
        _compute,
        55,
        location="",
        delete_seconds=10,
        delete_needs=("underlyingResourceAction",),
    ),
    Kind(
        f"{ML}/workspaces/onlineEndpoints",
        _endpoint,
        35,
        name=ENDPOINT,
        actions={"listkeys": _list_keys},
    ),
    Kind(
        f"{ML}/workspaces/onlineEndpoints/deployments",
        _deployment,
        480,
        name=ENDPOINT,
        blocked=_takes_traffic,
        actions={"getlogs": _logs},
    ),
    Kind(f"{ML}/workspaces/models", _model, location="", delete_seconds=0, items=_models),
    Kind(
        f"{ML}/workspaces/models/versions",
        _model,
        location="",
        delete_seconds=0,
        items=_model_versions,
    ),
]
