"""Defaults that Databricks adds to a workspace, and what it shows during creation."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_types.base import Call, state_of
from amlwizard.sandbox.resource_types.role_assignments import ROLES
from amlwizard.sandbox.state import State

TYPES = {bool: "Bool", str: "String", dict: "Object"}
NOT_YET = ("workspaceUrl", "workspaceId", "parameters")
PUBLISHER = (
    "43a4cde9-919a-4183-9769-2326975fe4eb"  # the service principal that owns the managed group
)


def fill(call: Call) -> None:
    p, old = call.properties, (call.old or {}).get("properties", {})
    serverless = p.get("computeMode") == "Serverless"
    if not serverless:
        _parameters(call, p.setdefault("parameters", {}))
    if serverless:
        p.setdefault("publicNetworkAccess", "Enabled")
    p["isUcEnabled"] = serverless
    p["createdDateTime"] = old.get("createdDateTime") or timestamp()
    p["authorizations"] = [{"principalId": PUBLISHER, "roleDefinitionId": ROLES["Owner"]}]
    person = call.state.data.person.oid
    who = {
        "oid": person,
        "puid": uuid.uuid5(uuid.NAMESPACE_URL, person).hex[:16].upper(),
        "applicationId": str(call.principal.get("appid", uuid.UUID(int=0))),
    }
    p["createdBy"] = old.get("createdBy") or who
    p["updatedBy"] = who
    if _value(p, "prepareEncryption"):
        key = f"{call.id.text.lower()}/storage"
        p["storageAccountIdentity"] = {
            "principalId": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
            "tenantId": call.state.tenant,
            "type": "SystemAssigned",
        }
    disk = ((p.get("encryption") or {}).get("entities") or {}).get("managedDisk")
    if disk and "managedResourceGroupId" in p:
        key = f"{call.id.text.lower()}/disks"
        p["managedDiskIdentity"] = {
            "principalId": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
            "tenantId": call.state.tenant,
            "type": "SystemAssigned",
        }
        p["diskEncryptionSetId"] = (
            f"{p['managedResourceGroupId']}/providers/Microsoft.Compute/diskEncryptionSets/"
            f"dbdiskencryptionset{uuid.uuid5(uuid.NAMESPACE_URL, key).hex[:14]}"
        )
    call.body.setdefault("sku", {"name": "premium"})


def _value(p: JsonObject, name: str) -> object:
    return ((p.get("parameters") or {}).get(name) or {}).get("value")


def _parameters(call: Call, given: JsonObject) -> None:
    account = uuid.uuid5(uuid.NAMESPACE_URL, call.id.text.lower()).hex[:13]
    complete(
        given,
        {
            "enableFedRampCertification": {"value": False},
            "enableNoPublicIp": {"value": True},
            "prepareEncryption": {"value": False},
            "requireInfrastructureEncryption": {"value": False},
            "resourceTags": {
                "value": {"application": "databricks", "databricks-environment": "true"}
            },
            "storageAccountName": {"value": f"dbstorage{account}"},
            "storageAccountSkuName": {"value": "Standard_GRS"},
        },
    )
    for parameter in given.values():
        parameter["type"] = TYPES.get(type(parameter.get("value")), "String")


def shown(state: State, workspace: JsonObject) -> JsonObject:
    """A workspace has no URL until it is created."""
    p = workspace["properties"]
    if state_of(workspace) not in ("Accepted", "Creating"):
        return workspace
    early = {key: value for key, value in p.items() if key not in NOT_YET}
    return {**workspace, "properties": early}
