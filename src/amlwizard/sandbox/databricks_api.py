"""The REST API of a Databricks workspace: clusters, libraries, secrets, execution contexts."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import re
import time
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.children import kill_group
from amlwizard.sandbox.datacentre import DataCentre
from amlwizard.sandbox.entra.tokens import ARM, DATABRICKS, Tokens
from amlwizard.sandbox.kinds.base import Body
from amlwizard.sandbox.kinds.network import find_subnet
from amlwizard.sandbox.kinds.sizes import SIZES, cores_used

START_SECONDS = 285
LIBRARY_SECONDS = 50


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Node:
    """The Python process of a cluster's driver."""

    def __init__(self, process: Any, databricks: Databricks, workspace_id: str) -> None:
        self.process, self.databricks, self.workspace_id = process, databricks, workspace_id
        self.lock = asyncio.Lock()

    async def ask(self, body: Body) -> Body:
        async with self.lock:
            await self._send(body)
            while line := await self.process.stdout.readline():
                answer = json.loads(line)
                if "ask" not in answer:
                    return answer  # type: ignore[no-any-return]
                await self._send(self.databricks.answer(self.workspace_id, answer))
        return {"error": "SparkException: The Python process of the driver has ended."}

    async def _send(self, body: Body) -> None:
        self.process.stdin.write(json.dumps(body).encode() + b"\n")
        await self.process.stdin.drain()


class Databricks:
    def __init__(self, centre: DataCentre, tokens: Tokens, ca: str) -> None:
        self.centre, self.world, self.tokens, self.ca = centre, centre.world, tokens, ca
        self.nodes: dict[str, asyncio.Task[Node]] = {}
        self.commands: dict[str, Body] = {}
        self.contexts: dict[str, str] = {}
        centre.nodes = self

    async def handle(self, request: Request, workspace_id: str) -> Response:
        path = request.url.path
        if path == "/.well-known/databricks-config":
            return self._config(request, workspace_id)
        claims = self.tokens.check(request, DATABRICKS)
        if isinstance(claims, Response):
            return JSONResponse(
                {"error_code": "UNAUTHENTICATED", "message": "Invalid access token."}, 401
            )
        resource = self.world.get(workspace_id)
        if resource is None or resource["properties"]["provisioningState"] != "Succeeded":
            return JSONResponse({"error_code": "NOT_FOUND", "message": "No such workspace."}, 404)
        if not self._is_user(request, resource, claims):
            number = resource["properties"]["workspaceId"]
            message = f"Unauthorized access to workspace: {number}"
            return JSONResponse({"error_code": "PERMISSION_DENIED", "message": message}, 403)
        raw = await request.body()
        body = json.loads(raw) if raw else dict(request.query_params)
        matched = re.fullmatch(r"/api/[\d.]+/(.+)", path)
        action = getattr(self, "_" + re.sub(r"[/-]", "_", matched[1]), None) if matched else None
        if action is None:
            self.world.unknown.append({"method": request.method, "path": path})
            return JSONResponse({"error_code": "ENDPOINT_NOT_FOUND", "message": path}, 501)
        try:
            return JSONResponse(await action(resource, body))
        except Refused as error:
            return JSONResponse({"error_code": error.code, "message": str(error)}, error.status)
        finally:
            if request.method == "POST":
                self.world.save()

    def _config(self, request: Request, workspace_id: str) -> Response:
        """What a workspace tells anybody of itself; the SDK asks before it signs in."""
        resource = self.world.get(workspace_id)
        if resource is None:
            return JSONResponse({"error_code": "NOT_FOUND", "message": "No such workspace."}, 404)
        return JSONResponse(
            {
                "oidc_endpoint": f"https://{request.url.netloc}/oidc",
                "account_id": str(uuid.uuid5(uuid.NAMESPACE_URL, self.world.tenant)),
                "workspace_id": resource["properties"]["workspaceId"],
                "cloud": "azure",
            }
        )

    def _is_user(self, request: Request, resource: Body, claims: Body) -> bool:
        """People are. A service principal becomes one by showing that it may manage the workspace
        in ARM: the workspace's id, and a token for ARM of its own."""
        principals = self._data(resource).setdefault("principals", [])
        if "appid" not in claims or claims["oid"] in principals:
            return True
        shown = request.headers.get("x-databricks-azure-workspace-resource-id", "")
        management = request.headers.get("x-databricks-azure-sp-management-token", "")
        proof = self.tokens.verify(management, *ARM)
        if isinstance(proof, Response) or proof["oid"] != claims["oid"]:
            return False
        if shown.lower() != resource["id"].lower():
            return False
        principals.append(claims["oid"])
        return True

    def _data(self, resource: Body) -> Body:
        data = self.world.data["databricks"].setdefault(resource["id"].lower(), {})
        data.setdefault("clusters", {})
        data.setdefault("scopes", {})
        return data  # type: ignore[no-any-return]

    # -- clusters

    async def _clusters_create(self, resource: Body, body: Body) -> Body:
        for key in ("spark_version", "node_type_id"):
            if not body.get(key):
                raise Refused(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {key}")
        if body["node_type_id"] not in SIZES:
            raise Refused(
                400,
                "INVALID_PARAMETER_VALUE",
                f"Node type {body['node_type_id']} is not supported.",
            )
        if not re.match(r"\d+\.\d+\.x-", body["spark_version"]):
            raise Refused(
                400, "INVALID_PARAMETER_VALUE", f"Invalid spark version {body['spark_version']}."
            )
        cluster_id = f"{time.strftime('%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
        cluster = {
            "id": cluster_id,
            "spec": body,
            "state": "PENDING",
            "started": time.time(),
            "polls": 0,
            "libraries": {},
        }
        self._data(resource)["clusters"][cluster_id] = cluster
        self._start(resource, cluster)
        return {"cluster_id": cluster_id}

    def _start(self, resource: Body, cluster: Body) -> None:
        cluster.update(state="PENDING", started=time.time(), polls=0, reason=None)
        need = SIZES[cluster["spec"]["node_type_id"]] * (
            1 + int(cluster["spec"].get("num_workers") or 0)
        )
        limit = self.world.data["limits"].get("cores", 100)
        if cores_used(self.world) > limit:
            cluster["fails"] = (
                "AZURE_QUOTA_EXCEEDED_EXCEPTION",
                f"Operation could not be completed as it results in exceeding approved Total Regional Cores quota: limit {limit}, needed {need}.",
            )
        elif not self._egress(resource):
            cluster["fails"] = (
                "NETWORK_CHECK_CONTROL_PLANE_FAILURE",
                "The node cannot reach the control plane: its subnets have no outbound access.",
            )
        else:
            cluster.pop("fails", None)
            task = asyncio.get_running_loop().create_task(self._boot(resource))
            self.nodes[cluster["id"]] = task

    def _subnets(self, resource: Body) -> list[Body]:
        p = resource["properties"]["parameters"]
        vnet = (p.get("customVirtualNetworkId") or {}).get("value", "")
        names = [
            (p.get(k) or {}).get("value")
            for k in ("customPublicSubnetName", "customPrivateSubnetName")
        ]
        found = [find_subnet(self.world, f"{vnet}/subnets/{name}") for name in names]
        return [subnet for subnet in found if subnet]

    def _egress(self, resource: Body) -> bool:
        if not resource["properties"]["parameters"]["enableNoPublicIp"]["value"]:
            return True
        return all(
            s["properties"].get("natGateway")
            or s["properties"].get("defaultOutboundAccess") is not False
            for s in self._subnets(resource)
        )

    async def _boot(self, resource: Body) -> Node:
        proxy = self.centre.vnet.proxy_for(self._vnet(resource))
        environment = {
            **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), self.ca),
            "MPLBACKEND": "Agg",
            "GIT_PYTHON_REFRESH": "quiet",
        }
        children = self.centre.children
        process = await children.piped(
            "amlwizard.sandbox.node", env=environment, cwd=children.temporary
        )
        return Node(process, self, resource["id"].lower())

    def _find(self, resource: Body, body: Body) -> Body:
        cluster = self._data(resource)["clusters"].get(body.get("cluster_id"))
        if cluster is None:
            raise Refused(
                400, "INVALID_PARAMETER_VALUE", f"Cluster {body.get('cluster_id')} does not exist"
            )
        if cluster["state"] == "PENDING" and self.world.clock.done(
            cluster["started"], START_SECONDS, cluster["polls"]
        ):
            if cluster.get("fails"):
                code, message = cluster["fails"]
                cluster["state"] = "TERMINATED"
                cluster["reason"] = {
                    "code": code,
                    "type": "CLIENT_ERROR",
                    "parameters": {"azure_error_message": message},
                }
            else:
                cluster["state"] = "RUNNING"
        if cluster["state"] == "RUNNING" and cluster["id"] not in self.nodes:
            cluster["state"] = "TERMINATED"
            cluster["reason"] = {"code": "INACTIVITY", "type": "SUCCESS", "parameters": {}}
        cluster["polls"] += 1
        return cluster  # type: ignore[no-any-return]

    def _show(self, cluster: Body) -> Body:
        shown = {
            **cluster["spec"],
            "cluster_id": cluster["id"],
            "state": cluster["state"],
            "state_message": "",
        }
        if cluster.get("reason"):
            shown["termination_reason"] = cluster["reason"]
            shown["state_message"] = cluster["reason"]["parameters"].get("azure_error_message", "")
        return shown

    async def _clusters_get(self, resource: Body, body: Body) -> Body:
        return self._show(self._find(resource, body))

    async def _clusters_list(self, resource: Body, body: Body) -> Body:
        clusters = self._data(resource)["clusters"]
        return {"clusters": [self._show(self._find(resource, {"cluster_id": c})) for c in clusters]}

    async def _clusters_start(self, resource: Body, body: Body) -> Body:
        cluster = self._find(resource, body)
        if cluster["state"] != "TERMINATED":
            raise Refused(
                400,
                "INVALID_STATE",
                f"Cluster {cluster['id']} is in unexpected state {cluster['state']}.",
            )
        for library in cluster["libraries"].values():
            library.update(started=time.time(), polls=0)
        self._start(resource, cluster)
        return {}

    async def _clusters_delete(self, resource: Body, body: Body) -> Body:
        cluster = self._find(resource, body)
        cluster["state"] = "TERMINATED"
        cluster["reason"] = {"code": "USER_REQUEST", "type": "SUCCESS", "parameters": {}}
        self.end(cluster["id"])
        return {}

    async def _clusters_permanent_delete(self, resource: Body, body: Body) -> Body:
        cluster = self._find(resource, body)
        del self._data(resource)["clusters"][cluster["id"]]
        self.end(cluster["id"])
        return {}

    # -- libraries

    async def _libraries_install(self, resource: Body, body: Body) -> Body:
        cluster = self._find(resource, body)
        for library in body.get("libraries", []):
            package = (library.get("pypi") or {}).get("package")
            if not package:
                raise Refused(
                    400, "INVALID_PARAMETER_VALUE", "Only PyPI libraries are offered here."
                )
            cluster["libraries"][package] = {"started": time.time(), "polls": 0}
        return {}

    async def _libraries_cluster_status(self, resource: Body, body: Body) -> Body:
        cluster = self._find(resource, body)
        statuses = []
        for package, library in cluster["libraries"].items():
            library["polls"] += 1
            done = cluster["state"] == "RUNNING" and self.world.clock.done(
                library["started"], LIBRARY_SECONDS, library["polls"]
            )
            problem = _cannot_install(package) if done else None
            statuses.append(
                {
                    "library": {"pypi": {"package": package}},
                    "status": ("FAILED" if problem else "INSTALLED") if done else "PENDING",
                    "messages": [problem] if problem else [],
                    "is_library_for_all_clusters": False,
                }
            )
        return {"cluster_id": cluster["id"], "library_statuses": statuses}

    # -- secrets

    async def _secrets_scopes_create(self, resource: Body, body: Body) -> Body:
        scopes = self._data(resource)["scopes"]
        if body["scope"] in scopes:
            raise Refused(400, "RESOURCE_ALREADY_EXISTS", f"Scope {body['scope']} already exists!")
        scopes[body["scope"]] = {}
        return {}

    async def _secrets_scopes_list(self, resource: Body, body: Body) -> Body:
        scopes = self._data(resource)["scopes"]
        return {"scopes": [{"name": s, "backend_type": "DATABRICKS"} for s in scopes]}

    async def _secrets_put(self, resource: Body, body: Body) -> Body:
        scope = self._data(resource)["scopes"].get(body["scope"])
        if scope is None:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {body['scope']} does not exist!")
        scope[body["key"]] = self.world.seal(body["string_value"])
        return {}

    async def _secrets_list(self, resource: Body, body: Body) -> Body:
        scope = self._data(resource)["scopes"].get(body["scope"])
        if scope is None:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {body['scope']} does not exist!")
        return {"secrets": [{"key": key} for key in scope]}

    def answer(self, workspace_id: str, ask: Body) -> Body:
        """What a node asks of what is around it: a secret of a scope, the addresses of a name."""
        if ask["ask"] == "resolve":
            vnet = self._vnet(self.world.get(workspace_id))
            return {"addresses": self.centre.vnet.resolve(vnet, ask["name"])}
        return self._secret(workspace_id, ask)

    @staticmethod
    def _vnet(resource: Body | None) -> str:
        given = (resource or {}).get("properties", {}).get("parameters", {})
        return str(given.get("customVirtualNetworkId", {}).get("value", ""))

    def _secret(self, workspace_id: str, ask: Body) -> Body:
        scopes = self.world.data["databricks"].get(workspace_id, {}).get("scopes", {})
        sealed = scopes.get(ask["scope"], {}).get(ask["key"])
        if sealed is None:
            return {
                "error": f"Secret does not exist with scope: {ask['scope']} and key: {ask['key']}"
            }
        return {"secret": self.world.unseal(sealed)}

    # -- execution contexts

    async def _contexts_create(self, resource: Body, body: Body) -> Body:
        cluster = self._running(resource, body.get("clusterId"))
        context = uuid.uuid4().hex
        self.contexts[context] = cluster["id"]
        return {"id": context}

    async def _contexts_status(self, resource: Body, body: Body) -> Body:
        self._context(body)
        return {"id": body["contextId"], "status": "Running"}

    async def _contexts_destroy(self, resource: Body, body: Body) -> Body:
        cluster_id = self._context(body)
        del self.contexts[body["contextId"]]
        node = await self.nodes[cluster_id]
        await node.ask({"op": "forget", "context": body["contextId"]})
        return {"id": body["contextId"]}

    async def _commands_execute(self, resource: Body, body: Body) -> Body:
        self._running(resource, body.get("clusterId"))
        cluster_id = self._context(body)
        if body.get("language") != "python":
            raise Refused(400, "INVALID_PARAMETER_VALUE", "Only python is offered here.")
        command_id = uuid.uuid4().hex
        command: Body = {"id": command_id, "status": "Running", "results": None}
        self.commands[command_id] = command
        task = asyncio.get_running_loop().create_task(
            self._execute(resource, cluster_id, body, command)
        )
        command["task"] = task
        return {"id": command_id}

    async def _execute(self, resource: Body, cluster_id: str, body: Body, command: Body) -> None:
        node = await self.nodes[cluster_id]
        answer = await node.ask(
            {"op": "run", "context": body["contextId"], "code": body["command"]}
        )
        if "error" in answer:
            command["results"] = {
                "resultType": "error",
                "summary": self._redact(resource, answer["error"]),
                "cause": self._redact(resource, answer.get("cause", "")),
            }
        else:
            command["results"] = {
                "resultType": "text",
                "data": self._redact(resource, answer["stdout"]),
            }
        if command["status"] == "Running":
            command["status"] = "Finished" if "error" not in answer else "Error"

    def _redact(self, resource: Body, text: str) -> str:
        """Databricks replaces the values of secrets in what a cell prints."""
        for scope in self._data(resource)["scopes"].values():
            for sealed in scope.values():
                text = text.replace(self.world.unseal(sealed), "[REDACTED]")
        return text

    async def _commands_status(self, resource: Body, body: Body) -> Body:
        command = self.commands.get(body.get("commandId", ""))
        if command is None:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", "CommandNotFoundException")
        status = "Finished" if command["status"] == "Error" else command["status"]
        return {"id": command["id"], "status": status, "results": command["results"]}

    async def _commands_cancel(self, resource: Body, body: Body) -> Body:
        command = self.commands.get(body.get("commandId", ""))
        if command and command["status"] == "Running":
            command["status"] = "Cancelled"
            cluster_id = self._context(body)
            self.end(cluster_id)
            self.nodes[cluster_id] = asyncio.get_running_loop().create_task(self._boot(resource))
        return {"id": body.get("commandId")}

    async def _preview_scim_v2_Me(self, resource: Body, body: Body) -> Body:
        return {"userName": self.world.data["person"]["name"], "active": True}

    def _context(self, body: Body) -> str:
        cluster_id = self.contexts.get(body.get("contextId", ""))
        if cluster_id is None:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", "ContextNotFound")
        return cluster_id

    def _running(self, resource: Body, cluster_id: Any) -> Body:
        cluster = self._find(resource, {"cluster_id": cluster_id})
        if cluster["state"] != "RUNNING":
            raise Refused(
                400, "INVALID_STATE", f"Cluster {cluster_id} is not running: {cluster['state']}."
            )
        return cluster

    def end(self, cluster_id: str) -> None:
        task = self.nodes.pop(cluster_id, None)
        if task and task.done() and not task.exception():
            kill_group(task.result().process)
        elif task:
            task.cancel()

    def stop(self) -> None:
        for cluster_id in list(self.nodes):
            self.end(cluster_id)


def _cannot_install(package: str) -> str | None:
    """The node has what this environment has: a pin on anything else fails, and says so."""
    name, _, wanted = package.partition("==")
    try:
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"Could not find a version that satisfies the requirement {package}"
    if wanted and wanted != have:
        return f"Could not find a version that satisfies the requirement {package} (from versions: {have})"
    return None
