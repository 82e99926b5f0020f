"""Online endpoints on AKS. Each deployment serves the registered model in a process of its own.

The load balancer of the extension is one port per AKS cluster; an internal one is reachable from the
VNET only. With TLS it has its own host name, which needs a DNS record; it is reached by that name or
by its address, through the proxy of the VNET or of the Internet.
"""

from __future__ import annotations

import asyncio
import hmac
import random
import re
import tempfile
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.blobs import Blobs, blob_of
from amlwizard.sandbox.children import Children
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.ml.containers import (
    NOT_READY,
    Container,
    ContainerCrashedError,
    ContainerLog,
)
from amlwizard.sandbox.ml.model_registry import MlflowRegistry
from amlwizard.sandbox.network.load_balancers import LoadBalancers
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.aks import egress, frontend, scheduling
from amlwizard.sandbox.resource_types.ml import endpoint_key
from amlwizard.sandbox.state import OperationError, State

LEAST_MEMORY_MIB = 512
# What conda writes in a container that reaches no channel; it installs the model's requirements.
NO_CONDA = (
    "CondaHTTPError: HTTP 000 CONNECTION FAILED for url "
    "<https://conda.anaconda.org/conda-forge/linux-64/repodata.json>"
)
PATH = re.compile(r"/api/v1/endpoint/([^/]+)/")
TROUBLE = "https://aka.ms/oe-tsg"


class OnlineEndpoints:
    def __init__(
        self, state: State, balancers: LoadBalancers, models: MlflowRegistry, children: Children
    ) -> None:
        self.state, self.balancers = state, balancers
        self.models, self.children = models, children
        self.containers: dict[str, Container] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def uri(self, endpoint: ResourceId, compute: JsonObject) -> str:
        cluster = compute["properties"]["resourceId"]
        reached = frontend(self.state, cluster)
        port = self.balancers.port_of(cluster, inside=False)
        self.balancers.port_of(cluster, inside=True)
        host = f"https://{reached.name}" if reached.tls else f"http://127.0.0.1:{port}"
        return f"{host}/api/v1/endpoint/{endpoint.name}/score"

    async def deploy(self, rid: ResourceId, workspace: JsonObject, deployment: JsonObject) -> None:
        """Start a deployment. Raises OperationError with Azure's error."""
        key, log = rid.text.lower(), self.log(rid.text)
        self.stop_one(key)
        written = log.begin()
        endpoint = self.state.get(rid.parent)
        cluster, p = self._cluster(endpoint or {}), deployment["properties"]
        pods = scheduling.pods_of(deployment)
        if scheduling.unschedulable(self.state, cluster, pods[0], len(pods), rid.text):
            raise OperationError(
                "PodUnschedulable",
                "Unable to schedule the pod to nodes: insufficient resources in the cluster "
                f"(Insufficient cpu, Insufficient memory). {TROUBLE}#error-podunschedulable",
            )
        limits = p["containerResourceRequirements"].get("containerResourceLimits") or {}
        memory = scheduling.mebibytes(limits.get("memory", "2Gi"))
        if memory < LEAST_MEMORY_MIB:
            log.write("Killed")
            raise OperationError(
                "PodOutOfMemory",
                f"The container was killed: {limits['memory']} of memory is not enough for the "
                "model and its server.",
            )
        folder = await self._model(workspace, p["model"])
        try:
            if "codeConfiguration" not in p and not egress.reaches_internet(self.state, cluster):
                log.write(NO_CONDA)
                raise ContainerCrashedError
            self.containers[key] = await Container.start(
                self.children, folder, written, self._own(p)
            )
        except ContainerCrashedError:
            code = log.cause if "codeConfiguration" in p else NOT_READY
            raise OperationError(
                code,
                "User container has crashed or terminated. Please see troubleshooting guide, "
                f"available here: {TROUBLE}#error-{code.lower()}",
            ) from None

    def _own(self, properties: JsonObject) -> tuple[Path, ...]:
        """The scoring script of a deployment and a folder with its environment; neither if it has no
        script."""
        given = properties.get("codeConfiguration")
        if given is None:
            return ()
        code, environment = (
            self.state.get(asset_id) for asset_id in (given["codeId"], properties["environmentId"])
        )
        at = blob_of(code["properties"]["codeUri"]) if code else None
        if at is None or environment is None:
            raise OperationError("ResourceNotFound", "The code or the environment was not found.")
        folder = Path(tempfile.mkdtemp(dir=self.children.temporary))
        # Of an image alone nobody here knows what it holds: all that is installed.
        if conda := environment["properties"].get("condaFile"):
            (folder / "conda.yaml").write_text(conda, encoding="utf-8")
        script = f"{at.path.strip('/')}/{given['scoringScript']}"
        return Blobs(self.state).file(at.container, script), folder

    def resume(self) -> None:
        """Restart the containers of all deployments."""
        kind = "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments"
        for deployment in self.state.of_type(kind):
            if deployment["properties"]["provisioningState"] == "Succeeded":
                self._loading(deployment)

    def _loading(self, deployment: JsonObject) -> asyncio.Task[None]:
        key = deployment["id"].lower()
        task = self.tasks.get(key)
        if task is None or (task.done() and key not in self.containers):
            workspace = self.state.get(deployment["id"].rsplit("/", 4)[0])
            assert workspace
            rid = ResourceId.parse(deployment["id"])
            work = self.deploy(rid, workspace, deployment)
            task = self.tasks[key] = asyncio.get_running_loop().create_task(work)
            self.state.watch(task, deployment["id"])
        return task

    async def _model(self, workspace: JsonObject, reference: str) -> Path:
        parts = reference.removeprefix("azureml:").strip("/").split("/")
        if len(parts) < 4 or parts[-4] != "models" or parts[-2] != "versions":
            raise OperationError("BadArgument", f"The model reference {reference} is not valid.")
        folder = await self.models.find_version(
            workspace["properties"]["workspaceId"], parts[-3], parts[-1]
        )
        if folder is None:
            raise OperationError(
                "ResourceNotFound", f"The model {parts[-3]}:{parts[-1]} was not found."
            )
        return folder

    def log(self, deployment_id: str) -> ContainerLog:
        return ContainerLog(self.state.folder, deployment_id)

    def stop_one(self, key: str) -> None:
        container = self.containers.pop(key, None)
        if container:
            container.stop()

    def stop(self) -> None:
        for key in list(self.containers):
            self.stop_one(key)

    # -- the load balancer

    def has_key(self, request: Request, cluster_id: str) -> bool:
        """Whether a request has the key of the endpoint that its path names."""
        matched = PATH.match(request.url.path)
        endpoint = self._endpoint(matched[1], cluster_id) if matched else None
        return endpoint is not None and self._is_authorized(request, endpoint)

    def _endpoint(self, name: str, cluster_id: str) -> JsonObject | None:
        kind = "microsoft.machinelearningservices/workspaces/onlineendpoints"
        for endpoint in self.state.of_type(kind):
            if (endpoint["name"].lower(), self._cluster(endpoint)) == (
                name.lower(),
                cluster_id.lower(),
            ):
                return endpoint
        return None

    def _is_authorized(self, request: Request, endpoint: JsonObject) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        keys = [
            endpoint_key(self.state, endpoint["id"], which).encode()
            for which in ("primaryKey", "secondaryKey")
        ]
        return any(hmac.compare_digest(given, key) for key in keys)

    async def handle(self, request: Request, cluster_id: str) -> Response:
        endpoint = self._endpoint(request.path_params["endpoint"], cluster_id)
        if endpoint is None:
            return Response("Not Found", 404)
        if not self._is_authorized(request, endpoint):
            return JSONResponse(
                {"error": {"code": "Unauthorized", "message": "key_auth_access_denied"}}, 401
            )
        traffic = endpoint["properties"]["traffic"]
        chosen = request.headers.get("azureml-model-deployment") or self._by_share(traffic)
        if chosen is None:
            return JSONResponse({"error": {"message": "No deployment takes traffic."}}, 404)
        deployment = self.state.get(f"{endpoint['id']}/deployments/{chosen}")
        if deployment is None or deployment["properties"]["provisioningState"] != "Succeeded":
            return Response("no healthy upstream", 503)
        key = deployment["id"].lower()
        if key not in self.containers:
            await self._loading(deployment)
        answer = await self.containers[key].ask(request, f"/{request.path_params['what']}")
        answer.headers["azureml-model-deployment"] = chosen
        return answer

    def _by_share(self, traffic: dict[str, int]) -> str | None:
        """One of the deployments, as often as its share of the traffic says."""
        if not any(traffic.values()):
            return None
        return random.choices([*traffic], [*traffic.values()])[0]  # noqa: S311 - no secret

    def _cluster(self, endpoint: JsonObject) -> str:
        compute = self.state.get(endpoint["properties"]["compute"]) if endpoint else None
        return str(compute["properties"]["resourceId"]).lower() if compute else ""
