"""Workspaces: their dependencies, ports and soft deletion."""

from __future__ import annotations

import uuid
from dataclasses import replace

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.ml.errors import full_error
from amlwizard.sandbox.resource_types.ml.names import NAMESPACE
from amlwizard.sandbox.resource_types.ml.responses import WORKSPACE, WORKSPACE_REMOVED
from amlwizard.sandbox.resource_types.ml.shapes import Workspace
from amlwizard.sandbox.state import State

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}"

BODY = {
    "enableSoftwareBillOfMaterials": False,
    "allowRoleAssignmentOnRG": True,
    "containerRegistry": "",
    "description": "",
    "enableDataIsolation": False,
    "friendlyName": "",
    "hbiWorkspace": False,
    "ipAllowlist": [],
    "managedNetwork": {
        "changeableIsolationModes": ["AllowInternetOutbound", "AllowOnlyApprovedOutbound"],
        "isolationMode": "Disabled",
    },
    "publicNetworkAccess": "Enabled",
    "sasGetterUri": "",
    "softDeleteEnabled": False,
    "storageHnsEnabled": False,
    "v1LegacyMode": False,
}


def _workspace(call: Call) -> None:
    if call.old is None and call.state.data.deleted.get(_workspace_key(call.id)):
        raise ArmError(
            400,
            "BadRequest",
            "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete",
        )
    call.require("identity.type")
    p, old = call.properties, (call.old or {}).get("properties", {})
    _dependencies(call, p)
    guid = old.get("workspaceId", str(uuid.uuid4()))
    p["workspaceId"] = guid
    port = call.services.ports.port_of("ml", call.id.text)
    call.services.ports.port_of("ml-inside", call.id.text)
    p["mlFlowTrackingUri"] = f"azureml://127.0.0.1:{port}/mlflow/v1.0{call.id.text}"
    p["discoveryUrl"] = f"https://127.0.0.1:{port}/discovery"
    complete(p, BODY)
    registry = call.state.get(p.get("containerRegistry"))
    if registry:
        p["acrSkuTier"] = registry["sku"]["name"]
    p["sdkTelemetryAppInsightsKey"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{guid}/telemetry"))
    p["creationTime"] = old.get("creationTime") or timestamp()
    p["privateLinkCount"] = len(old.get("privateEndpointConnections", []))
    p["tenantId"] = call.state.tenant
    p["notebookInfo"] = {
        "resourceId": uuid.uuid5(uuid.NAMESPACE_URL, guid).hex,
        "fqdn": f"ml-{call.id.name.lower()}-{call.body['location']}-{guid}.notebooks.azure.net",
        "isPrivateLinkEnabled": False,
    }
    p["privateEndpointConnections"] = old.get("privateEndpointConnections", [])
    p["provisioningState"] = "Succeeded"
    _identify(call, guid)
    call.body["sku"] = {
        "name": "Basic",
        "tier": "Basic",
    }  # the only one; others are accepted and replaced
    call.body.setdefault("kind", "Default")


def _identify(call: Call, guid: str) -> None:
    """Create the system-assigned identity, and resolve user-assigned ones."""
    if "SystemAssigned" in call.body["identity"]["type"]:
        call.body["identity"].update(
            principalId=str(uuid.uuid5(uuid.NAMESPACE_URL, guid)), tenantId=call.state.tenant
        )
    for resource_id in call.body["identity"].get("userAssignedIdentities") or {}:
        own = (call.state.get(resource_id) or {}).get("properties", {})
        call.body["identity"]["userAssignedIdentities"][resource_id] = {
            key: own[key] for key in ("principalId", "clientId") if key in own
        }


def _dependencies(call: Call, p: JsonObject) -> None:
    """Refuse a workspace without dependencies; one that does not exist fails the operation."""
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
        if call.state.get(p[key]) is None:  # accepted; the operation fails
            call.fails = {
                "code": "ValidationError",
                "message": f"The resource {p[key]} that {key} names was not found.",
            }
    storage = call.state.get(p["storageAccount"]) or {"properties": {}}
    by_key = p.get("systemDatastoresAuthMode", "AccessKey").lower() == "accesskey"
    if by_key and storage["properties"].get("allowSharedKeyAccess") is False:
        raise ArmError(
            400,
            "ValidationError",
            "KeyBasedAuthenticationNotPermitted: Key based authentication is not permitted on this "
            f"storage account: {p['storageAccount']}.",
            "systemDatastoresAuthMode",
        )


def _workspace_key(rid: ResourceId) -> str:
    return f"workspaces/{rid.subscription}/{rid.group}/{rid.name}".lower()


def _delete_workspace(state: State, rid: ResourceId, body: JsonObject) -> None:
    kept: JsonObject = {key: body[key] for key in ("id", "location", "tags") if key in body}
    state.data.deleted[_workspace_key(rid)] = kept


async def _deleted_workspaces(call: Call) -> list[JsonObject]:
    """Soft-deleted workspaces, which only the list of a whole subscription contains."""
    if call.id.group or not call.id.is_collection:
        return []
    return [
        {
            "id": held["id"],
            "name": held["id"].rsplit("/", 1)[-1],
            "type": f"{NAMESPACE}/workspaces",
            "location": held["location"],
            "tags": held.get("tags", {}),
            "properties": {"provisioningState": "Succeeded"},
        }
        for key, held in call.state.data.deleted.items()
        if key.startswith(f"workspaces/{call.id.subscription}/".lower())
    ]


def _purge_workspace(state: State, rid: ResourceId) -> bool:
    return state.data.deleted.pop(_workspace_key(rid), None) is not None


def _resync(call: Call) -> None:
    return None


RESOURCE_TYPES = [
    ResourceType(
        f"{NAMESPACE}/workspaces",
        _workspace,
        21,
        shape=Workspace,
        creates=WORKSPACE,
        updates=replace(WORKSPACE, states=("Updating",)),
        deletes=WORKSPACE_REMOVED,
        refusal=full_error,
        system_data=True,
        shows_tags=True,
        update_seconds=21,
        name=NAME,
        delete=_delete_workspace,
        delete_seconds=30,
        purge=_purge_workspace,
        items=_deleted_workspaces,
        actions={"resynckeys": _resync},
        slow={"resynckeys": WORKSPACE},
    ),
]
