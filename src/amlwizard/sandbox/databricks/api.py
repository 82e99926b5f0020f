"""The REST API of a Databricks workspace: clusters, libraries, secrets, execution contexts."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.databricks.clusters import Clusters
from amlwizard.sandbox.databricks.commands import Commands
from amlwizard.sandbox.databricks.drivers import Drivers
from amlwizard.sandbox.databricks.errors import DatabricksError
from amlwizard.sandbox.databricks.libraries import Libraries
from amlwizard.sandbox.databricks.policies import Policies
from amlwizard.sandbox.databricks.secrets import Secrets
from amlwizard.sandbox.databricks.workspace import data_of
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.entra.tokens import ARM, DATABRICKS, Tokens
from amlwizard.sandbox.permissions import is_allowed
from amlwizard.sandbox.state import State

MANAGE = "Microsoft.Databricks/workspaces/write"

Action = Callable[[JsonObject, JsonObject], Awaitable[JsonObject]]


class DatabricksApi:
    """`opened` is called when a notebook is opened."""

    def __init__(
        self, state: State, tokens: Tokens, drivers: Drivers, opened: Callable[[], None]
    ) -> None:
        self.state, self.tokens = state, tokens
        self.clusters = clusters = Clusters(state, drivers)
        libraries, secrets, policies = Libraries(clusters), Secrets(state), Policies(state)
        commands = Commands(clusters, opened)
        # By the path after /api/VERSION/; called with the workspace's document and the request body.
        self.actions: dict[str, Action] = {
            "clusters/create": clusters.create,
            "clusters/edit": clusters.edit,
            "clusters/spark-versions": clusters.spark_versions,
            "clusters/list-node-types": clusters.node_types,
            "clusters/get": clusters.get,
            "clusters/list": clusters.list_all,
            "clusters/start": clusters.start,
            "clusters/delete": clusters.delete,
            "clusters/permanent-delete": clusters.permanent_delete,
            "instance-pools/create": policies.create_pool,
            "instance-pools/list": policies.list_pools,
            "policies/clusters/create": policies.create_policy,
            "policies/clusters/list": policies.list_policies,
            "libraries/install": libraries.install,
            "libraries/cluster-status": libraries.status,
            "secrets/scopes/create": secrets.create_scope,
            "secrets/scopes/delete": secrets.delete_scope,
            "secrets/scopes/list": secrets.list_scopes,
            "secrets/put": secrets.put,
            "secrets/delete": secrets.delete,
            "secrets/list": secrets.list_keys,
            "contexts/create": commands.create_context,
            "contexts/status": commands.context_status,
            "contexts/destroy": commands.destroy_context,
            "commands/execute": commands.execute,
            "commands/status": commands.status,
            "commands/cancel": commands.cancel,
            "preview/scim/v2/Me": self._me,
        }

    async def handle(self, request: Request, workspace_id: str) -> Response:
        path = request.url.path
        if path == "/.well-known/databricks-config":
            return self._config(request, workspace_id)
        claims = self.tokens.check(request, DATABRICKS)
        if isinstance(claims, Response):
            return JSONResponse(
                {"error_code": "UNAUTHENTICATED", "message": "Invalid access token."}, 401
            )
        workspace = self.state.get(workspace_id)
        if workspace is None or workspace["properties"]["provisioningState"] != "Succeeded":
            return JSONResponse({"error_code": "NOT_FOUND", "message": "No such workspace."}, 404)
        if not self._is_user(request, workspace, claims):
            message = "User not authorized."
            return JSONResponse({"error_code": "PERMISSION_DENIED", "message": message}, 403)
        raw = await request.body()
        body = json.loads(raw) if raw else dict(request.query_params)
        matched = re.fullmatch(r"/api/[\d.]+/(.+)", path)
        action = self.actions.get(matched[1]) if matched else None
        if action is None:
            self.state.unknown.append({"method": request.method, "path": path})
            return JSONResponse({"error_code": "ENDPOINT_NOT_FOUND", "message": path}, 501)
        try:
            return JSONResponse(await action(workspace, body))
        except DatabricksError as error:
            return JSONResponse({"error_code": error.code, "message": str(error)}, error.status)
        finally:
            if request.method == "POST":
                self.state.save()

    def disrupt(self, workspace_id: str, disruption: str) -> None:
        """Disrupt the clusters of a workspace; see `Clusters.disrupt`."""
        if workspace := self.state.get(workspace_id):
            self.clusters.disrupt(workspace, disruption)

    def _config(self, request: Request, workspace_id: str) -> Response:
        """What a workspace reveals without authentication; the SDK reads it before signing in."""
        workspace = self.state.get(workspace_id)
        if workspace is None:
            return JSONResponse({"error_code": "NOT_FOUND", "message": "No such workspace."}, 404)
        return JSONResponse(
            {
                "oidc_endpoint": f"https://{request.url.netloc}/oidc",
                "account_id": str(uuid.uuid5(uuid.NAMESPACE_URL, self.state.tenant)),
                "workspace_id": workspace["properties"]["workspaceId"],
                "cloud": "azure",
            }
        )

    def _is_user(self, request: Request, workspace: JsonObject, claims: JsonObject) -> bool:
        """Who may manage the workspace in ARM becomes a user by sending the workspace's id once. A
        service principal also has to send its own token for ARM."""
        users = data_of(self.state, workspace).users
        if claims["oid"] in users:
            return True
        shown = request.headers.get("x-databricks-azure-workspace-resource-id", "")
        if shown.lower() != workspace["id"].lower() or not is_allowed(self.state, MANAGE):
            return False
        if "appid" in claims:
            management = request.headers.get("x-databricks-azure-sp-management-token", "")
            proof = self.tokens.verify(management, *ARM)
            if isinstance(proof, Response) or proof["oid"] != claims["oid"]:
                return False
        users.append(claims["oid"])
        return True

    async def _me(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        return {"userName": self.state.data.person.name, "active": True}
