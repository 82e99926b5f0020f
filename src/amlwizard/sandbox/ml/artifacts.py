"""The run history's artifact API (``/history``) and the artifact service (``/artifact``). Both return
URLs of blobs; clients transfer the content to and from the workspace's storage account.

Only the routes that azureml-mlflow calls. Paths are relative to the root of the run or upload.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.blobs import READ, WRITE, Blobs
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State

SCOPE = r"(?P<workspace>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+/workspaces/[^/]+)"
RUNS = re.compile(
    rf"/history/v1\.0{SCOPE}/experiment(?:s|ids)/[^/]+/runs/(?P<container>[^/]+)/artifacts"
    r"(?P<what>/.*)?",
    re.IGNORECASE,
)
UPLOADS = re.compile(
    rf"/artifact/v2\.0{SCOPE}/artifacts/(?P<origin>\w+)/(?P<container>[^/]+)(?P<what>/.*)?",
    re.IGNORECASE,
)
RUN = "ExperimentRun"

Exists = Callable[[str, str], Awaitable[bool]]


class Artifacts:
    """`run_exists` is called with the ids of a workspace and a run."""

    def __init__(self, state: State, run_exists: Exists) -> None:
        self.state, self.run_exists, self.blobs = state, run_exists, Blobs(state)

    async def answer(self, request: Request, workspace: JsonObject) -> Response | None:
        """None for any other route."""
        path = request.url.path
        matched = RUNS.fullmatch(path) or UPLOADS.fullmatch(path)
        if not matched or matched["workspace"].lower() != workspace["id"].lower():
            return None
        origin = matched.groupdict().get("origin", RUN)
        held = _Container(self.blobs, workspace, origin, matched["container"])
        guid = workspace["properties"]["workspaceId"]
        if origin == RUN and not await self.run_exists(guid, held.name):
            return _missing(f"Run {held.name} was not found.")
        action, asked = matched["what"] or "", request.query_params.get("path", "")
        if (request.method, action) == ("POST", "/batch/metadata"):
            paths = [one["path"] for one in (await request.json()).get("paths", [])]
            return JSONResponse(held.created(paths))
        if request.method != "GET":
            return None
        if action in ("", "/path"):
            found = [held.shown(one) for one in held.paths() if one.startswith(asked)]
            return JSONResponse({"value": found, "continuationToken": None, "nextLink": None})
        if action in ("/contentinfo", "/metadata"):
            if asked not in held.paths():
                return _missing(f"Artifact {asked} was not found.")
            view = held.content if action == "/contentinfo" else held.shown
            return JSONResponse(view(asked))
        return None

    def listed(self, workspace: JsonObject, asked: JsonObject, host: str) -> JsonObject:
        """The response of MLflow's ``artifacts/list``: one folder of a run."""
        run, path = asked.get("run_id") or asked.get("run_uuid") or "", asked.get("path", "")
        prefix = f"{path.rstrip('/')}/" if path else ""
        found: dict[str, JsonObject] = {}
        for one in _Container(self.blobs, workspace, RUN, run).paths():
            if one.startswith(prefix):
                name, _, below = one.removeprefix(prefix).partition("/")
                found[name] = {"path": prefix + name, "is_dir": bool(below)}
        return {"root_uri": f"azureml://{host}/{_stem(RUN, run)}", "files": list(found.values())}

    def folder(self, guid: str, origin: str, container: str, path: str) -> Path:
        """A folder of a run or an upload. Raises ValueError if `path` leads out of it."""
        home = self.blobs.file(f"{guid}-azureml", _stem(origin, container))
        found = (home / path).resolve()
        if not found.is_relative_to(home):
            raise ValueError(path)
        return found


class _Container:
    """The artifacts of one run or one upload."""

    def __init__(self, blobs: Blobs, workspace: JsonObject, origin: str, name: str) -> None:
        self.blobs, self.origin, self.name = blobs, origin, name
        properties = workspace["properties"]
        self.account = properties["storageAccount"].rsplit("/", 1)[-1]
        self.blob_container = f"{properties['workspaceId']}-azureml"

    def paths(self) -> list[str]:
        root = self.blobs.file(self.blob_container, _stem(self.origin, self.name))
        files = sorted(root.rglob("*")) if root.is_dir() else []
        return [
            str(file.relative_to(root))
            for file in files
            if file.is_file() and not file.parent.name.endswith(".blocks")
        ]

    def created(self, paths: list[str]) -> JsonObject:
        return {
            "artifacts": {path: self.shown(path) for path in paths},
            "artifactContentInformation": {path: self.content(path, WRITE) for path in paths},
            "errors": {},
        }

    def shown(self, path: str) -> JsonObject:
        return {
            "artifactId": f"{self.origin}/{self._container}/{path}",
            **self._named(path),
            "dataPath": {
                "dataStoreName": "workspaceartifactstore",
                "relativePath": f"{_stem(self.origin, self.name)}/{path}",
            },
        }

    def content(self, path: str, rights: str = READ) -> JsonObject:
        blob = f"{_stem(self.origin, self.name)}/{path}"
        url = self.blobs.url(self.account, self.blob_container, blob, rights)
        return {"contentUri": url, **self._named(path)}

    def _named(self, path: str) -> JsonObject:
        return {"origin": self.origin, "container": self._container, "path": path, "tags": {}}

    @property
    def _container(self) -> str:
        return _stem(self.origin, self.name).partition("/")[2]


def _stem(origin: str, container: str) -> str:
    return f"{origin}/{'dcid.' if origin == RUN else ''}{container}"


def _missing(message: str) -> Response:
    error = {"code": "UserError", "message": message, "details": []}
    return JSONResponse({"error": error}, 404)
