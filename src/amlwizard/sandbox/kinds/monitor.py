"""Azure Monitor: the Log Analytics workspace, and the Application Insights component on it."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.kinds.base import ArmError, Call, Kind
from amlwizard.sandbox.kinds.timestamps import stamp


def _log_analytics(call: Call) -> None:
    old = (call.old or {}).get("properties", {})
    p = call.properties
    p["customerId"] = old.get("customerId", str(uuid.uuid4()))
    p.setdefault("sku", {"name": "PerGB2018"})
    p.setdefault("retentionInDays", 30)
    p.setdefault("publicNetworkAccessForIngestion", "Enabled")
    p.setdefault("publicNetworkAccessForQuery", "Enabled")


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
    p["IngestionMode"] = "LogAnalytics"
    p["InstrumentationKey"] = "00000000-0000-0000-0000-000000000000"
    p["CreationDate"] = stamp()
    p["TenantId"] = call.id.subscription


KINDS = [
    Kind(
        "Microsoft.OperationalInsights/workspaces",
        _log_analytics,
        20,
        name=r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    ),
    Kind("Microsoft.Insights/components", _component, 0, accepts=200, delete_seconds=0),
]
