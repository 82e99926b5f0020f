"""Pods that fit no node: they stay pending, and the deployment fails."""

from __future__ import annotations

from threading import Event as CancelEvent

import pytest
from support import existing
from support.platforms import Platform

from amlwizard.design import api_versions
from amlwizard.errors import CloudError

pytestmark = pytest.mark.xdist_group("refusals")


def made(platform: Platform, step: str) -> None:
    platform.cloud.arm.put(*platform.document(step), lambda *_, **__: None, CancelEvent())


@pytest.mark.parametrize(
    ("cpu", "memory", "instances", "code"),
    [
        ("8", "1Gi", 1, "PodUnschedulable"),
        ("500m", "64Gi", 1, "PodUnschedulable"),
        ("1", "1Gi", 20, "PodUnschedulable"),
        ("500m", "1Gi", 4, "ResourceNotFound"),  # there is room: it is the model that is missing
    ],
)
def test_a_deployment_needs_nodes_with_room(
    platform: Platform, cpu: str, memory: str, instances: int, code: str
) -> None:
    workspace = platform.outputs["workspace"]["id"]
    model = {"model_id": f"{workspace}/models/none/versions/1"}
    platform.outputs |= {"register": model, "rollout": model}
    made(platform, "endpoint")
    endpoint = existing(
        platform.cloud.arm.get(platform.document("endpoint")[0], api_versions.MACHINE_LEARNING)
    )
    platform.outputs["endpoint"] = {"principal": endpoint["identity"]["principalId"]}
    for role in ("endpoint-acr-pull", "endpoint-blob-reader"):
        made(platform, role)
    resource_id, version, body = platform.document("deployment")
    asked = {"cpu": cpu, "memory": memory}
    requirements = body["properties"]["containerResourceRequirements"]
    requirements.update(containerResourceRequests=asked, containerResourceLimits=asked)
    body["sku"]["capacity"] = instances
    with pytest.raises(CloudError) as failed:
        platform.cloud.arm.put(resource_id, version, body, lambda *_, **__: None, CancelEvent())
    assert failed.value.code == code
