"""Preflight on an existing platform: its own resources are no findings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from support.journeys import Journey

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]


@pytest.fixture
def limited(quickstart: Journey) -> Iterator[Callable[[int], None]]:
    """Sets the vCPU quota of the platform's subscription; takes it back after the test."""
    yield lambda cores: quickstart.sandbox.change(limits={"cores": cores})
    quickstart.sandbox.change(limits={"cores": 100})


def test_what_is_ours_is_no_finding_and_counts_as_used(
    quickstart: Journey, limited: Callable[[int], None]
) -> None:
    limited(1)
    ran = quickstart.command("preflight", "--approve", "--json")
    assert json.loads(ran.out)["findings"] == []
    assert ran.code == 0
    limited(27)
    ran = quickstart.command("preflight", "--approve", "--json", "--set", "serving.nodes=5")
    [found] = json.loads(ran.out)["findings"]
    assert found["rule"] == "vcpu-quota" and found["fields"] == [
        "serving.nodes",
        "serving.node_size",
    ]
    assert "12 for 2 AKS nodes and 1 more during upgrades" in found["why"]


def test_a_run_tells_of_warnings_and_goes_on(quickstart: Journey) -> None:
    [finding] = quickstart.output("preflight")["findings"]
    assert (finding["rule"], finding["severity"]) == ("provider-not-registered", "warning")
    [said] = quickstart.ran.of("step-progress", "preflight")
    assert said["message"] == finding["what"] and said["data"]["finding"] == finding
