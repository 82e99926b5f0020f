"""Deployments of an online endpoint: whether image and model can be had, and what is started then."""

from __future__ import annotations

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import Body, Call, Kind
from amlwizard.sandbox.kinds.ml.errors import user_error
from amlwizard.sandbox.kinds.ml.names import ENDPOINT, NAMESPACE
from amlwizard.sandbox.kinds.role_assignments import has_role
from amlwizard.sandbox.world import World


def _deployment(call: Call) -> None:
    endpoint = call.parent()
    call.require("properties.endpointComputeType")
    p = call.properties
    if p["endpointComputeType"] != "Kubernetes":
        raise user_error("The endpoint takes Kubernetes deployments only.", "endpointComputeType")
    if not 6 <= len(call.id.name) + len(endpoint["name"]) <= 62:
        raise user_error(
            "The names of endpoint and deployment must have 6 to 62 characters together.", "name"
        )
    if not p.get("model"):
        raise user_error("A deployment needs a model.", "model")
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
        raise user_error(
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


def _logs(call: Call) -> Body:
    return {"content": call.centre.serving.log(call.id.text).tail(call.body.get("tail") or 100)}


KINDS = [
    Kind(
        f"{NAMESPACE}/workspaces/onlineEndpoints/deployments",
        _deployment,
        480,
        name=ENDPOINT,
        blocked=_takes_traffic,
        actions={"getlogs": _logs},
    ),
]
