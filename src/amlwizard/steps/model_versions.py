"""The versions of a recipe's model and what serves them, from Azure itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

from amlwizard.cloud_port import CloudPort
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.json_path import value_at
from amlwizard.json_types import Document
from amlwizard.model_version import ModelVersion
from amlwizard.plan.placeholders import resolve
from amlwizard.recipe import Recipe
from amlwizard.steps.traffic import traffic_of


def model_versions(cloud: CloudPort, recipe: Recipe, signed_in: Document) -> list[ModelVersion]:
    """The registered versions, newest first; empty if the workspace or the model is not there."""
    ids, arm = Ids(recipe), cloud.arm
    outputs = {"sign-in": signed_in}
    workspace = str(resolve(ids.workspace, outputs))
    if arm.get(workspace, api_versions.MACHINE_LEARNING) is None:
        return []
    endpoint = str(resolve(ids.endpoint, outputs))
    served = dict(_served(cloud, endpoint))
    return [
        ModelVersion(
            version["version"],
            version["tags"].get("run_id", version["run_id"]),
            json.loads(version["tags"].get("metrics", "{}")),
            served.get(version["id"].lower(), {}),
        )
        for version in cloud.ml(workspace).model_versions(recipe.names.model)
    ]


def _served(cloud: CloudPort, endpoint: str) -> Iterator[tuple[str, dict[str, int]]]:
    """The ids of the models that are deployed, each with the traffic of its deployments."""
    found = cloud.arm.get(endpoint, api_versions.MACHINE_LEARNING)
    if found is None:
        return
    traffic = traffic_of(found)
    models: dict[str, dict[str, int]] = {}
    for deployment in cloud.arm.every(f"{endpoint}/deployments", api_versions.MACHINE_LEARNING):
        model = str(value_at(deployment, "properties.model") or "").lower()
        name = str(deployment["name"]).rpartition("/")[2]
        models.setdefault(model, {})[name] = int(traffic.get(name, 0))
    yield from models.items()
