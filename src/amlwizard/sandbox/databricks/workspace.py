"""The data of a workspace besides its ARM document, and its VNET."""

from __future__ import annotations

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import DatabricksData


def data_of(state: State, workspace: JsonObject) -> DatabricksData:
    return state.data.databricks.setdefault(workspace["id"].lower(), DatabricksData())


def vnet_of(workspace: JsonObject | None) -> str:
    """The id of the VNET; empty if Databricks manages it."""
    given = (workspace or {}).get("properties", {}).get("parameters", {})
    return str(given.get("customVirtualNetworkId", {}).get("value", ""))
