"""Deployments of an online endpoint: image build, access to image and model, start."""

from __future__ import annotations

import yaml

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, complete, value_at
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType, state_of
from amlwizard.sandbox.resource_types.ml.endpoints import mark
from amlwizard.sandbox.resource_types.ml.errors import user_error
from amlwizard.sandbox.resource_types.ml.names import ENDPOINT, NAMESPACE
from amlwizard.sandbox.resource_types.ml.quantities import normalise
from amlwizard.sandbox.resource_types.ml.responses import SERVED_AGAIN, SERVED_NO_MORE
from amlwizard.sandbox.resource_types.ml.shapes import Deployment
from amlwizard.sandbox.resource_types.role_assignments import sees_role
from amlwizard.sandbox.state import State

# The code was reported (mlops-v2#62); the words are ours.
NO_SCRIPT: list[JsonObject] = [
    {
        "code": "InferencingClientCallFailed",
        "message": "One or more validation errors occurred: a Kubernetes deployment needs a scoring "
        "script and an environment.",
    }
]
PROBE = {
    "failureThreshold": 30,
    "successThreshold": 1,
    "timeout": "PT2S",
    "period": "PT10S",
    "initialDelay": "PT10S",
}
DEPLOYMENT = {
    "appInsightsEnabled": False,
    "containerResourceRequirements": {},
    "egressPublicNetworkAccess": "Enabled",
    "environmentVariables": {},
    "instanceType": "defaultinstancetype",
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "requestSettings": {
        "maxQueueWait": "PT0.5S",
        "requestTimeout": "PT5S",
        "maxConcurrentRequestsPerInstance": 1,
    },
    "scaleSettings": {
        "scaleType": "TargetUtilization",
        "pollingInterval": "PT1S",
        "targetUtilizationPercentage": 70,
        "minInstances": 1,
        "maxInstances": 1,
    },
}
SKU = {"sku": {"name": "Default", "tier": "Standard", "capacity": 1}}


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
    _must_have_code(call)
    given = p.get("scaleSettings")
    complete(p, {**DEPLOYMENT, "scaleSettings": given or DEPLOYMENT["scaleSettings"]})
    normalise(p["containerResourceRequirements"])
    mark(call, "od")
    call.body["kind"] = "K8S"
    if p["scaleSettings"]["scaleType"] == "Default":
        complete(call.body, SKU)
    else:
        call.body.pop("sku", None)  # the number of instances follows from the load
    workspace = call.state.get(call.id.text.rsplit("/", 4)[0])
    assert workspace
    call.fails = (
        _unmade(call)
        or _unbuilt(call, workspace)
        or _no_conda(call)
        or _unauthorized(call, endpoint, workspace)
    )
    if call.fails is None:
        call.work = call.services.deployments.deploy(call.id, workspace, call.body)


def _must_have_code(call: Call) -> None:
    """Refuse a scoring script without code or environment, and none where one is needed."""
    p, script = call.properties, call.properties.get("codeConfiguration")
    if script is None:
        if not call.state.data.no_code:
            raise ArmError(400, "BadRequest", "The request is invalid.", details=NO_SCRIPT)
        return
    if not script.get("scoringScript") or ".." in script["scoringScript"].split("/"):
        raise user_error(
            "A code configuration needs a scoring script in its code.", "scoringScript"
        )
    for key, named in (("codeId", script.get("codeId")), ("environmentId", p.get("environmentId"))):
        if not named:
            raise user_error(f"A deployment with a scoring script needs {key}.", key)


def _unmade(call: Call) -> JsonObject | None:
    """The error of a deployment whose code or environment is not there, else None. As recorded, the
    request itself is taken."""
    script = call.properties.get("codeConfiguration")
    if script is None:
        return None
    for named, kind in (
        (script["codeId"], "codes"),
        (call.properties["environmentId"], "environments"),
    ):
        at = call.state.get(named)
        if at is None or at["type"].lower() != f"{NAMESPACE}/workspaces/{kind}/versions".lower():
            return {"code": "UserError", "message": f"There is no version of {kind} {named}."}
    return None


def _unauthorized(call: Call, endpoint: JsonObject, workspace: JsonObject) -> JsonObject | None:
    """The error if the endpoint's identity has no access to image or model, else None. Azure gives
    no code."""
    principal = (endpoint.get("identity") or {}).get("principalId", "")
    p = workspace["properties"]
    registry = p.get("containerRegistry")
    if registry and not sees_role(call.state, principal, registry, "AcrPull", "AcrPush"):
        return {
            "code": None,
            "message": "DeploymentIdentityError: Failed to create Kubernetes deployment identity, "
            "Reason:ACRTokenExchangeForbidden Details:Cluster exchange ACR token failed because "
            "AAD token is unauthorized. The role assignment takes some time, please wait a moment "
            "and try again. The identity is used to give access for user container, such as pull "
            "image from ACR. Please see troubleshooting guide, available here: "
            "https://aka.ms/amlarc-tsg",
        }
    readers = ("Storage Blob Data Reader", "Storage Blob Data Contributor")
    if not sees_role(call.state, principal, p["storageAccount"], *readers):
        return {
            "code": None,
            "message": "ModelDownloadFailed: The model could not be downloaded: "
            "AuthorizationPermissionMismatch: This request is not authorized to perform this "
            "operation using this permission.",
        }
    return None


def _takes_traffic(state: State, rid: ResourceId, body: JsonObject) -> JsonObject | None:
    """The error of its deletion while it has traffic, else None."""
    endpoint = state.get(rid.parent)
    share = ((endpoint or {}).get("properties", {}).get("traffic") or {}).get(rid.name, 0)
    if not share:
        return None
    return {
        "code": "InferencingClientCallFailed",
        "message": f"\"Can't delete deployment [{rid.name}] with non-zero traffic weight, Current "
        f"traffic [{share}]. Remove the traffic for this deployment on endpoint "
        f'[{rid.names[-2]}] and try again"',
        "details": [],
    }


def _unbuilt(call: Call, workspace: JsonObject) -> JsonObject | None:
    """The error of the image build, else None: a private registry needs a compute cluster to build on,
    which needs permission to pull and push."""
    p = workspace["properties"]
    registry = call.state.get(p.get("containerRegistry"))
    if registry is None:
        return None
    rp = registry["properties"]
    closed = rp["publicNetworkAccess"] == "Disabled" or (
        (rp.get("networkRuleSet") or {}).get("defaultAction") == "Deny"
    )
    if not closed:
        return None
    name = p.get("imageBuildCompute")
    compute = call.state.get(f"{workspace['id']}/computes/{name}") if name else None
    if compute is None or state_of(compute) != "Succeeded":
        return _build_failed(
            "ACR Tasks cannot reach a container registry behind a virtual network: set "
            "imageBuildCompute of the workspace to a compute cluster "
            + (f"(there is no compute {name})." if name else "(it is not set).")
        )
    principal = (compute.get("identity") or {}).get("principalId", "")
    rights = [
        sees_role(call.state, principal, registry["id"], *roles)
        for roles in (("AcrPull", "AcrPush"), ("AcrPush",))
    ]
    if rp.get("adminUserEnabled") or all(rights):
        return None
    host = f"{registry['name'].lower()}.azurecr.io"
    return _build_failed(
        f"The image could not be built on {name}: {'pushing to' if rights[0] else 'pulling from'} "
        f"{host} failed: unauthorized: authentication required"
    )


def _no_conda(call: Call) -> JsonObject | None:
    """The error of an image build from a conda file without dependencies, else None."""
    environment = call.state.get(call.properties.get("environmentId")) or {}
    text = value_at(environment, "properties.condaFile")
    if not text:
        return None
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("dependencies"), list):
        return None
    return _build_failed("conda env create failed: the conda file of the environment is not valid.")


def _build_failed(why: str) -> JsonObject:
    return {"code": "ImageBuildFailure", "message": why}


def _lines(given: object) -> int:
    if not isinstance(given, int):
        raise user_error(f"The number of lines '{given}' is not an integer.", "tail")
    return given


def _logs(call: Call) -> JsonObject:
    return {
        "content": call.services.deployments.log(call.id.text).tail(
            _lines(call.body.get("tail", 100))
        )
    }


RESOURCE_TYPES = [
    ResourceType(
        f"{NAMESPACE}/workspaces/onlineEndpoints/deployments",
        _deployment,
        480,  # 125 without an image build
        shape=Deployment,
        name=ENDPOINT,
        creates=SERVED_AGAIN,
        updates=SERVED_AGAIN,
        deletes=SERVED_NO_MORE,
        system_data=True,
        shows_tags=True,
        update_seconds=52,
        delete_seconds=11,
        fails_late=_takes_traffic,
        actions={"getlogs": _logs},
    ),
]
