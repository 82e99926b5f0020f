"""Authorized IP ranges of the Kubernetes API: a replay removes those that the recipe dropped."""

from __future__ import annotations

from threading import Event as CancelEvent
from typing import Any

import pytest
from support import Asked, recipe_of
from support.platforms import Platform

from amlwizard.plan import Context, Step
from amlwizard.plan.outputs import Outputs
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("refusals")

RANGES = ["203.0.113.0/24", "198.51.100.7/32"]
CLUSTER = "properties.apiServerAccessProfile.authorizedIPRanges"


def step_of(platform: Platform, *ranges: str) -> tuple[Step, Context]:
    recipe = recipe_of("quickstart", security__aks_authorized_ranges=f"[{', '.join(ranges)}]")
    step = next(s for s in steps_for(recipe) if s.id == "aks")
    outputs = Outputs(platform.outputs)
    return step, Context(recipe, platform.cloud, outputs, CancelEvent(), Asked())


def restricted(platform: Platform, **tags: str) -> str:
    """The cluster, with both ranges; its id in lower case."""
    cluster = str(platform.outputs["aks"]["id"]).lower()
    access = {"apiServerAccessProfile": {"authorizedIPRanges": RANGES}}
    state = platform.sandbox.state
    state["resources"][cluster]["properties"] |= access
    state["resources"][cluster]["tags"] = tags
    platform.sandbox.control("state", state, "PUT")
    return cluster


def allowed(platform: Platform, cluster: str) -> Any:
    p = platform.sandbox.state["resources"][cluster]["properties"]
    return (p.get("apiServerAccessProfile") or {}).get("authorizedIPRanges") or []


@pytest.mark.parametrize("kept", [[], RANGES[:1]])
def test_ranges_that_are_no_longer_named_go(platform: Platform, kept: list[str]) -> None:
    cluster = restricted(platform, amlwizard="mlquick01")
    step, context = step_of(platform, *kept)
    found = step.read(context)
    assert found and found.state == "differs"
    gone = [f"{CLUSTER}.{one}: no longer wanted" for one in RANGES if one not in kept]
    assert list(found.differences) == gone
    step.apply(context, lambda *_, **__: None)
    assert allowed(platform, cluster) == kept
    found = step.read(context)
    assert found and found.state == "ready"


def test_those_of_somebody_elses_cluster_stay(platform: Platform) -> None:
    cluster = restricted(platform)
    step, context = step_of(platform)
    found = step.read(context)
    assert found and found.state == "ready"
    assert allowed(platform, cluster) == RANGES
