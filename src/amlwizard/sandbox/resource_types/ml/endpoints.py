"""Online endpoints: their compute, their traffic, their keys."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.global_names import is_taken
from amlwizard.sandbox.resource_types.ml.errors import user_error
from amlwizard.sandbox.resource_types.ml.identity import identify
from amlwizard.sandbox.resource_types.ml.names import ENDPOINT, NAMESPACE
from amlwizard.sandbox.resource_types.ml.responses import SERVED, SERVED_AGAIN, SERVED_NO_MORE
from amlwizard.sandbox.resource_types.ml.shapes import Endpoint
from amlwizard.sandbox.state import State

TYPE = f"{NAMESPACE}/workspaces/onlineEndpoints"


def _endpoint(call: Call) -> None:
    call.parent()
    call.require("properties.authMode")
    p = call.properties
    if p["authMode"] not in ("Key", "AMLToken"):
        raise user_error(f"authMode {p['authMode']} is not offered on Kubernetes.", "authMode")
    if is_taken(call.state, TYPE, call.id.name, call.id.text):
        raise ArmError(
            409,
            "ResourceNameConflict",
            f"The endpoint name {call.id.name} is already in use in this region.",
        )
    compute = call.must_exist(p.get("compute"), "properties.compute")
    if compute["properties"].get("computeType") != "Kubernetes":
        raise user_error("The compute of an endpoint must be a Kubernetes compute.", "compute")
    traffic = p.setdefault("traffic", {})
    for name in traffic:
        if call.state.get(f"{call.id.text}/deployments/{name}") is None:
            raise user_error(f"The deployment {name} named in traffic does not exist.", "traffic")
    if sum(traffic.values()) not in (0, 100):
        raise user_error("The traffic of an endpoint must sum up to 0 or 100.", "traffic")
    call.body["kind"] = "K8S"
    p["scoringUri"] = call.services.deployments.uri(call.id, compute)
    p["swaggerUri"] = p["scoringUri"].replace("/score", "/swagger.json")
    p.setdefault("publicNetworkAccess", "Enabled")
    p.setdefault("mirrorTraffic", {})
    mark(call, "oe")["azureml.onlineendpointid"] = call.id.text.lower()
    identify(call)


def mark(call: Call, short: str) -> JsonObject:
    """Set the property that names the last operation. Returns the properties."""
    marks: JsonObject = call.properties.setdefault("properties", {})
    marks["AzureAsyncOperationUri"] = (
        f"{call.state.arm}/subscriptions/{call.id.subscription}/providers/{NAMESPACE}/locations/"
        f"{call.body['location']}/mfeOperationsStatus/{short}:{uuid.uuid4()}"
        f"?api-version={call.version}"
    )
    return marks


def _list_keys(call: Call) -> JsonObject:
    return {
        key: endpoint_key(call.state, call.id.text, key) for key in ("primaryKey", "secondaryKey")
    }


def endpoint_key(state: State, endpoint_id: str, which: str) -> str:
    if which == "primaryKey" and "scoring_key" in state.planted:
        return state.planted["scoring_key"]
    return state.derive("endpoint", endpoint_id.lower(), which)


RESOURCE_TYPES = [
    ResourceType(
        TYPE,
        _endpoint,
        28,
        shape=Endpoint,
        name=ENDPOINT,
        creates=SERVED,
        updates=SERVED_AGAIN,
        deletes=SERVED_NO_MORE,
        system_data=True,
        shows_tags=True,
        update_seconds=12,
        delete_seconds=13,
        actions={"listkeys": _list_keys},
    ),
]
