"""Azure Monitor: Log Analytics workspaces and Application Insights components."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, complete, value_at
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.responses import AT_ONCE, GONE_AT_ONCE, ArmResponse
from amlwizard.sandbox.resource_types.shapes import Document, Object, Shape
from amlwizard.sandbox.state import State

OPEN = {
    "publicNetworkAccessForIngestion": "Enabled",
    "publicNetworkAccessForQuery": "Enabled",
}
WORKSPACE = {
    **OPEN,
    "sku": {"name": "PerGB2018"},
    "retentionInDays": 30,
    "features": {
        "legacy": 0,
        "searchVersion": 1,
        "enableLogAccessUsingOnlyResourcePermissions": True,
    },
    "workspaceCapping": {"dailyQuotaGb": -1.0},
}
COMPONENT = {**OPEN, "RetentionInDays": 90, "IngestionMode": "LogAnalytics"}


class _LogAnalyticsProperties(Shape):
    sku: Object | None = None
    features: Object | None = None
    workspaceCapping: Object | None = None


class _LogAnalytics(Document):
    properties: _LogAnalyticsProperties = _LogAnalyticsProperties()


class _ComponentProperties(Shape):
    Application_Type: str = ""
    WorkspaceResourceId: str = ""


class _Component(Document):
    properties: _ComponentProperties = _ComponentProperties()


def _log_analytics(call: Call) -> None:
    old = (call.old or {}).get("properties", {})
    p = call.properties
    held = _gone(call.state).get(_key(call.id), {})
    p["customerId"] = old.get("customerId") or held.get("customerId") or str(uuid.uuid4())
    now = timestamp()
    complete(p, WORKSPACE)
    p["sku"]["lastSkuUpdate"] = (old.get("sku") or {}).get("lastSkuUpdate") or now
    p["workspaceCapping"].update(quotaNextResetTime=now, dataIngestionStatus="RespectQuota")
    p["createdDate"], p["modifiedDate"] = old.get("createdDate") or now, now


def _component(call: Call) -> None:
    call.require("kind", "properties.Application_Type")
    p = call.properties
    if not p.get("WorkspaceResourceId"):
        raise ArmError(
            400,
            "BadRequest",
            "Classic Application Insights components can no longer be created: "
            "WorkspaceResourceId must name a Log Analytics workspace.",
            "properties.WorkspaceResourceId",
        )
    call.must_exist(p["WorkspaceResourceId"], "properties.WorkspaceResourceId")
    old = (call.old or {}).get("properties", {})
    p["AppId"] = old.get("AppId", str(uuid.uuid4()))
    p["ApplicationId"] = call.id.name
    complete(p, COMPONENT)
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, p["AppId"]))
    p["InstrumentationKey"] = key
    p["ConnectionString"] = (
        f"InstrumentationKey={key};"
        f"IngestionEndpoint=https://{call.body['location']}-0.in.applicationinsights.azure.com/"
    )
    p["Name"], p["TenantId"] = call.id.name, call.id.subscription
    p["CreationDate"] = old.get("CreationDate") or timestamp()
    p.setdefault("LaMigrationDate", p["CreationDate"])


def _key(rid: ResourceId) -> str:
    return f"{rid.subscription}/{rid.group}/{rid.name}".lower()


def _gone(state: State) -> dict[str, JsonObject]:
    """Deleted workspaces, which a PUT of the same name restores; Azure lists them nowhere."""
    return state.data.logs


def _delete_workspace(state: State, rid: ResourceId, body: JsonObject) -> None:
    _gone(state)[_key(rid)] = {"customerId": value_at(body, "properties.customerId")}


def _recover_workspace(state: State, rid: ResourceId) -> bool:
    return _gone(state).pop(_key(rid), None) is not None


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.OperationalInsights/workspaces",
        _log_analytics,
        1,
        shape=_LogAnalytics,
        creates=ArmResponse(201, "L", since="2022-10-01", before=AT_ONCE),
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
        etag='"{}"',
        delete=_delete_workspace,
        recovers=_recover_workspace,
        name=r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    ),
    ResourceType(
        "Microsoft.Insights/components",
        _component,
        shape=_Component,
        creates=AT_ONCE,
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
        etag='"{}"',
        shows_tags=True,
    ),
]
