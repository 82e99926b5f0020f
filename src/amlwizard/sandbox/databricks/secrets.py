"""Secret scopes. Values are stored sealed, and revealed to nodes only."""

from __future__ import annotations

from amlwizard.sandbox.databricks.errors import DatabricksError, missing
from amlwizard.sandbox.databricks.workspace import data_of
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import DatabricksData


class Secrets:
    def __init__(self, state: State) -> None:
        self.state = state

    async def create_scope(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        scopes = data_of(self.state, workspace).scopes
        if body["scope"] in scopes:
            raise DatabricksError(
                400, "RESOURCE_ALREADY_EXISTS", f"Scope {body['scope']} already exists!"
            )
        scopes[body["scope"]] = {}
        return {}

    async def delete_scope(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        self._scope(workspace, body)
        del data_of(self.state, workspace).scopes[body["scope"]]
        return {}

    async def list_scopes(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        scopes = data_of(self.state, workspace).scopes
        return {"scopes": [{"name": s, "backend_type": "DATABRICKS"} for s in scopes]}

    async def put(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        self._scope(workspace, body)[body["key"]] = self.state.seal(body["string_value"])
        return {}

    async def delete(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        if self._scope(workspace, body).pop(body["key"], None) is None:
            raise missing(f"Secret {body['key']} does not exist!")
        return {}

    async def list_keys(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        return {"secrets": [{"key": key} for key in self._scope(workspace, body)]}

    def _scope(self, workspace: JsonObject, body: JsonObject) -> dict[str, str]:
        scope = data_of(self.state, workspace).scopes.get(body["scope"])
        if scope is None:
            raise missing(f"Scope {body['scope']} does not exist!")
        return scope


def reveal(state: State, workspace_id: str, scope: str, key: str) -> JsonObject:
    """The value (`secret`), or an `error`."""
    data = state.data.databricks.get(workspace_id, DatabricksData())
    sealed = data.scopes.get(scope, {}).get(key)
    if sealed is None:
        return {"error": f"Secret does not exist with scope: {scope} and key: {key}"}
    return {"secret": state.unseal(sealed)}


def redacted(state: State, workspace: JsonObject, text: str) -> str:
    """Databricks redacts the values of secrets in the output of cells."""
    for scope in data_of(state, workspace).scopes.values():
        for sealed in scope.values():
            text = text.replace(state.unseal(sealed), "[REDACTED]")
    return text
