"""Pods that fit no node: they stay pending, and the deployment fails."""

from __future__ import annotations

from threading import Event as CancelEvent

import pytest
from support.platforms import Platform

from amlwizard.errors import CloudError

pytestmark = pytest.mark.xdist_group("refusals")


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
    platform.serve(f"{platform.outputs['workspace']['id']}/models/none/versions/1")
    resource_id, version, body = platform.document("deployment")
    asked = {"cpu": cpu, "memory": memory}
    requirements = body["properties"]["containerResourceRequirements"]
    requirements.update(containerResourceRequests=asked, containerResourceLimits=asked)
    body["sku"]["capacity"] = instances
    with pytest.raises(CloudError) as failed:
        platform.cloud.arm.put(resource_id, version, body, lambda *_, **__: None, CancelEvent())
    assert failed.value.code == code
