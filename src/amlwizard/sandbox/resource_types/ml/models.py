"""Models and their versions, registered through ARM or in the MLflow registry."""

from __future__ import annotations

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.ml.errors import full_error
from amlwizard.sandbox.resource_types.ml.names import NAMESPACE
from amlwizard.sandbox.resource_types.ml.shapes import Model
from amlwizard.sandbox.resource_types.responses import (
    AT_ONCE,
    CREATED_AT_ONCE,
    GONE_AT_ONCE,
    ArmResponse,
)


def _model(call: Call) -> None:
    """A model or a version registered through ARM."""
    call.parent(2 if len(call.id.names) == 3 else 1)
    p = call.properties
    for key, value in (("isArchived", False), ("tags", {}), ("properties", {})):
        p.setdefault(key, value)
    if len(call.id.names) == 3:
        call.require("properties.modelUri")
        p.setdefault("modelType", "custom_model")
        p.setdefault("isAnonymous", False)
        p.setdefault("flavors", {})
        p.setdefault("stage", "Development")


async def _model_versions(call: Call) -> list[JsonObject]:
    workspace = call.id.text.split("/models/")[0]
    return await call.services.models.model_versions(
        _guid(call, workspace), workspace, call.id.names[1]
    )


async def _models(call: Call) -> list[JsonObject]:
    workspace = call.id.text.rsplit("/models", 1)[0]
    return await call.services.models.models(_guid(call, workspace), workspace)


def _guid(call: Call, workspace_id: str) -> str:
    workspace = call.state.get(workspace_id)
    if workspace is None:
        raise ArmError(404, "ResourceNotFound", f"The workspace {workspace_id} was not found.")
    return str(workspace["properties"]["workspaceId"])


RESOURCE_TYPES = [
    ResourceType(
        f"{NAMESPACE}/workspaces/models",
        _model,
        shape=Model,
        location="",
        missing="UserError",
        refusal=full_error,
        system_data=True,
        creates=CREATED_AT_ONCE,
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
        items=_models,
    ),
    ResourceType(
        f"{NAMESPACE}/workspaces/models/versions",
        _model,
        shape=Model,
        location="",
        missing="UserError",
        refusal=full_error,
        system_data=True,
        creates=ArmResponse(201, "L", states=(), itself=True),
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
        items=_model_versions,
    ),
]
