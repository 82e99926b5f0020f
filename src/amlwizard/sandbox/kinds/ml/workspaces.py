"""The workspace: what it stands on, its soft deletion, its doors."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.kinds.ml.names import NAMESPACE
from amlwizard.sandbox.world import World

NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}"


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


def _workspace_key(rid: ResourceId) -> str:
    return f"workspaces/{rid.subscription}/{rid.group}/{rid.name}".lower()


def _delete_workspace(world: World, rid: ResourceId, body: Body) -> None:
    kept = {key: body[key] for key in ("id", "location", "tags") if key in body}
    world.data["deleted"][_workspace_key(rid)] = kept


async def _deleted_workspaces(call: Call) -> list[Body]:
    """The list of a whole subscription still shows what is softly deleted; nothing else does."""
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
        for key, held in call.world.data["deleted"].items()
        if key.startswith(f"workspaces/{call.id.subscription}/".lower())
    ]


def _purge_workspace(world: World, rid: ResourceId) -> bool:
    return world.data["deleted"].pop(_workspace_key(rid), None) is not None


def _resync(call: Call) -> None:
    return None


KINDS = [
    Kind(
        f"{NAMESPACE}/workspaces",
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
]
