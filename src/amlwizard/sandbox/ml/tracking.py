"""The data plane of ML workspaces: a real MLflow server behind a public and a private port each, with
Azure's artifact URIs and artifact services.

If public access is disabled, the public port answers 403.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.children import Child, Children
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.entra.tokens import ARM, Tokens
from amlwizard.sandbox.ml import mlflow_api
from amlwizard.sandbox.ml.artifacts import Artifacts
from amlwizard.sandbox.ml.tracking_database import DATABASE
from amlwizard.sandbox.sockets import UnixSocketTransport
from amlwizard.sandbox.state import State

DENIED = "Access to workspace was denied based on workspace private link configuration."
READY_SECONDS = 600
"""How long to wait for a server that neither responds nor exits."""
SOCKET = "server.socket"
URL = "http://mlflow"
HOST = {"Host": "localhost"}  # MLflow 3 serves no other


class Tracking:
    """One MLflow server for all workspaces, started by the first request or by `warm`: starting it
    takes seconds of CPU time, which platforms without training need not spend. Each workspace has a
    database of its own, in its `home`."""

    def __init__(self, state: State, tokens: Tokens, children: Children) -> None:
        self.state, self.tokens, self.children = state, tokens, children
        self.folder = state.folder / "mlflow"
        self.server: asyncio.Task[None] | None = None
        self.process: Child | None = None
        socket = UnixSocketTransport(state.folder, SOCKET)
        self.client = httpx.AsyncClient(timeout=60, trust_env=False, transport=socket, headers=HOST)
        self.artifacts = Artifacts(state, self._run_exists)
        self.runs: set[tuple[str, str]] = set()
        """Ids of workspaces and of runs that were seen in them; a run stays there when it is deleted."""

    def start(self) -> asyncio.Task[None]:
        if self.server is None:
            self.server = asyncio.get_running_loop().create_task(self._serve())
            self.state.watch(self.server, "MLflow server")
        return self.server

    def warm(self) -> None:
        if any(self.state.of_type("microsoft.machinelearningservices/workspaces")):
            self.start()

    async def url(self, guid: str) -> str:
        """Where the server has the workspace."""
        await asyncio.shield(self.start())
        self.home(guid).mkdir(exist_ok=True)
        return f"{URL}/{guid}"

    def home(self, guid: str) -> Path:
        return self.folder / guid

    async def _serve(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o700)
        log = self.folder / "server.log"
        self.process = await self.children.guarded(
            [
                sys.executable, "-m", "gunicorn", "--workers", "1", "--bind", f"unix:{SOCKET}",
                "amlwizard.sandbox.ml.mlflow_app:app",
            ],
            {},
            log,
            self.folder,
        )  # fmt: skip
        for _ in range(READY_SECONDS * 5):
            if self.process.has_ended:
                raise RuntimeError(f"the MLflow server did not start: see {log}")
            with contextlib.suppress(httpx.HTTPError):
                if (await self.client.get(f"{URL}/any/health")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
        raise RuntimeError(f"the MLflow server does not answer: see {log}")

    def forget(self, guid: str) -> None:
        """Delete the runs and models of a workspace. Its artifacts belong to the storage account."""
        (self.home(guid) / DATABASE).unlink(missing_ok=True)
        self.runs = {seen for seen in self.runs if seen[0] != guid}

    def stop(self) -> None:
        if self.server:
            self.server.cancel()
        if self.process:
            self.process.kill()

    # -- requests

    async def handle(self, request: Request, workspace_id: str, inside: bool) -> Response:
        workspace = self.state.get(workspace_id)
        # `tracking_audience` of the state replaces the audiences that are accepted.
        wanted = self.state.data.tracking_audience
        claims = self.tokens.check(request, *([wanted] if wanted else (*ARM, self.state.arm)))
        if isinstance(claims, Response):
            return claims
        if workspace is None:
            return _user_error(404, "The workspace was not found.")
        if not inside and workspace["properties"]["publicNetworkAccess"] == "Disabled":
            return _user_error(403, DENIED)
        if answer := await self.artifacts.answer(request, workspace):
            return answer
        matched = re.fullmatch(
            rf"/mlflow/v([12]\.0){re.escape(workspace['id'])}(/.*)", request.url.path, re.IGNORECASE
        )
        if matched is None:
            self.state.unknown.append({"method": request.method, "path": request.url.path})
            return Response(status_code=501)
        call = mlflow_api.call_of(matched[1], matched[2])
        if call is None:
            return Response(status_code=404)
        return await self._called(request, workspace, call)

    async def _called(self, request: Request, workspace: JsonObject, call: str) -> Response:
        guid = workspace["properties"]["workspaceId"]
        content = await request.body()
        sent = json.loads(content) if content else dict(request.query_params)
        if refusal := await self._too_many(guid, call, sent):
            return JSONResponse(refusal, 400)
        if call == "artifacts/list":
            return JSONResponse(self.artifacts.listed(workspace, sent, request.url.netloc))
        if call == "runs/get-run-data-status":
            return JSONResponse({"is_complete": True})
        answer = await self.client.request(
            request.method,
            f"{await self.url(guid)}{mlflow_api.PREFIX}{mlflow_api.SERVED_AS.get(call, call)}",
            params=list(request.query_params.multi_items()),
            content=content,
            headers={"content-type": request.headers.get("content-type", "application/json")},
        )
        try:
            shown = mlflow_api.as_azures(answer.json(), request.url.netloc, workspace["id"])
        except ValueError:
            return Response(answer.content, answer.status_code)
        return JSONResponse(shown, answer.status_code)

    async def _too_many(self, guid: str, call: str, sent: JsonObject) -> JsonObject | None:
        """The error if a run would exceed its limit of parameters, else None."""
        keys = {param["key"] for param in sent.get("params", [])} if "log-batch" in call else set()
        if call == "runs/log-parameter":
            keys = {sent.get("key", "")}
        if not keys:
            return None
        run = await self._run(guid, sent.get("run_id") or sent.get("run_uuid") or "")
        held = {param["key"] for param in run.get("data", {}).get("params", [])}
        return mlflow_api.too_many_params(held, keys)

    async def _run(self, guid: str, run_id: str) -> JsonObject:
        """The run as the server returns it; empty if there is none."""
        answer = await self.client.get(
            f"{await self.url(guid)}{mlflow_api.PREFIX}runs/get", params={"run_id": run_id}
        )
        return dict(answer.json()["run"]) if answer.status_code == 200 else {}

    async def _run_exists(self, guid: str, run_id: str) -> bool:
        """Asked of the server once, and not for each of its artifacts."""
        if (guid, run_id) not in self.runs and await self._run(guid, run_id):
            self.runs.add((guid, run_id))
        return (guid, run_id) in self.runs

    async def search(self, guid: str, what: str, key: str, where: str = "") -> list[JsonObject]:
        """All registered models or model versions (`what`, under `key` of the response)."""
        if not (self.home(guid) / DATABASE).exists():
            return []  # nothing was ever asked of it
        url = await self.url(guid)
        found: list[JsonObject] = []
        token = ""
        while True:
            params = {"max_results": "100", "filter": where, "page_token": token}
            answer = await self.client.get(
                f"{url}/api/2.0/mlflow/{what}/search", params={k: v for k, v in params.items() if v}
            )
            answer.raise_for_status()
            body = answer.json()
            found += body.get(key, [])
            token = body.get("next_page_token", "")
            if not token:
                return found


def _user_error(status: int, message: str) -> Response:
    return JSONResponse(
        {
            "error": {
                "code": "UserError",
                "message": message,
                "details": [],
                "additionalInfo": [
                    {"type": "ComponentName", "info": {"value": "managementfrontend"}}
                ],
            }
        },
        status,
    )
