"""The MLflow registry of a workspace as ARM shows it, and the files of its models."""

from __future__ import annotations

from pathlib import Path

import yaml

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.ml import mlflow_api
from amlwizard.sandbox.ml.tracking import Tracking

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Every list of versions reads a file of each, which Python itself parses ten times as slowly as C."""
TYPE = "Microsoft.MachineLearningServices/workspaces/models"


class MlflowRegistry:
    """`guid` is the id of the workspace in its data plane."""

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking

    async def models(self, guid: str, workspace_id: str) -> list[JsonObject]:
        found = await self.tracking.search(guid, "registered-models", "registered_models")
        return [
            {
                "id": f"{workspace_id}/models/{m['name']}",
                "name": m["name"],
                "type": TYPE,
                "properties": {
                    "isArchived": False,
                    "latestVersion": (m.get("latest_versions") or [{}])[0].get("version", "1"),
                    "nextVersion": "",
                    "tags": {},
                    "properties": {},
                    "provisioningState": "Succeeded",
                },
            }
            for m in found
        ]

    async def model_versions(self, guid: str, workspace_id: str, name: str) -> list[JsonObject]:
        found = await self._versions(guid, name)
        return [
            {
                "id": f"{workspace_id}/models/{name}/versions/{v['version']}",
                "name": v["version"],
                "type": f"{TYPE}/versions",
                "properties": {
                    "modelType": "mlflow_model",
                    "modelUri": mlflow_api.model_uri(v),
                    "jobName": v.get("run_id", ""),
                    "flavors": self._flavors(guid, v),
                    "description": v.get("description", ""),
                    "tags": {t["key"]: t["value"] for t in v.get("tags", [])},
                    "properties": {},
                    "isArchived": False,
                    "isAnonymous": False,
                    "provisioningState": "Succeeded",
                },
            }
            for v in found
        ]

    def _folder(self, guid: str, run_id: str, source: str) -> Path | None:
        """The folder of a model version; `source` is the artifact it was created from. Only what
        came through the artifact services is one: models are unpickled."""
        if not (made := mlflow_api.run_artifact(source)):
            return None
        try:
            folder = self.tracking.artifacts.folder(guid, *made)
        except ValueError:
            return None
        return folder if folder.is_dir() else None

    async def find_version(self, guid: str, name: str, version: str) -> Path | None:
        """The folder of a model version; None if it does not exist."""
        for v in await self._versions(guid, name):
            if v["version"] == version:
                return self._folder(guid, v.get("run_id", ""), v.get("source", ""))
        return None

    def _flavors(self, guid: str, version: JsonObject) -> JsonObject:
        folder = self._folder(guid, version.get("run_id", ""), version.get("source", ""))
        file = folder / "MLmodel" if folder else None
        if file is None or not file.exists():
            return {}
        flavors = yaml.load(file.read_text(), LOADER).get("flavors", {})  # noqa: S506  a safe one
        return {name: {"data": {k: str(v) for k, v in f.items()}} for name, f in flavors.items()}

    async def _versions(self, guid: str, name: str) -> list[JsonObject]:
        where = f"name='{name}'"
        return await self.tracking.search(guid, "model-versions", "model_versions", where)
