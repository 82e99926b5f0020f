"""What is kept for a workspace beside its ARM document, and the VNET that it is in."""

from __future__ import annotations

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State


def data_of(state: State, workspace: JsonObject) -> JsonObject:
    """Its `clusters` by id, and its secret `scopes` by name."""
    data = state.data["databricks"].setdefault(workspace["id"].lower(), {})
    data.setdefault("clusters", {})
    data.setdefault("scopes", {})
    return data  # type: ignore[no-any-return]


def vnet_of(workspace: JsonObject | None) -> str:
    """The id of the VNET, empty where Databricks manages one."""
    given = (workspace or {}).get("properties", {}).get("parameters", {})
    return str(given.get("customVirtualNetworkId", {}).get("value", ""))
