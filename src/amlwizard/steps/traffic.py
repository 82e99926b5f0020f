"""The traffic of an online endpoint: the share of requests, in percent, of each deployment."""

from __future__ import annotations

from collections.abc import Mapping

from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.json_path import value_at
from amlwizard.json_types import Document
from amlwizard.plan import Context
from amlwizard.steps.documents import update


def endpoint_of(ctx: Context, endpoint: str) -> Document | None:
    """The document of an endpoint, by its id, which may have placeholders."""
    return ctx.cloud.arm.get(ctx.resolve(endpoint), api_versions.MACHINE_LEARNING)


def traffic_of(endpoint: Document | None) -> dict[str, int]:
    """The shares by the names of the deployments; empty without an endpoint."""
    return dict(value_at(endpoint, "properties.traffic") or {})


def share(
    ctx: Context, endpoint: Document, traffic: Mapping[str, int], say: ReportProgress
) -> None:
    """Set the traffic of an existing endpoint; Azure takes 0 or 100 in all."""
    body = update(endpoint, {}).body
    body["properties"]["traffic"] = dict(traffic)
    ctx.cloud.arm.put(endpoint["id"], api_versions.MACHINE_LEARNING, body, say, ctx.cancel)
