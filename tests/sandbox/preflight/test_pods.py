"""Instances of the deployment that fit on no node."""

from __future__ import annotations

import pytest
from support.preflights import Judge, Preflight, only, replaying

from amlwizard.preflight.pods import FIELDS, allocatable

pytestmark = pytest.mark.xdist_group("preflight")


def asked(**serving: object) -> dict[str, str]:
    return {f"serving__{name}": repr(value) for name, value in serving.items()}


def test_what_a_node_leaves_its_pods() -> None:
    """The example in the documents of AKS: 8 GB and 30 pods leave 7.25 GB of memory."""
    cpu, memory = allocatable(2, 8, 30)
    assert cpu == pytest.approx(2000 - 100, abs=20)
    assert memory / 1024 == pytest.approx(7.25, abs=0.15)


def test_a_pod_that_is_larger_than_a_node(preflight: Preflight) -> None:
    larger = ("--set", "serving.cpu='8'", "--set", "serving.memory='64Gi'")
    found = only(preflight(*larger), "pods-without-node", *FIELDS)
    assert "1 instances with 8 CPU and 64Gi" in found["what"] and found["cure"] == {}
    assert "larger nodes" in found["fix"]


@pytest.mark.parametrize("form", [{"cpu": "2"}, {"cpu": "2000m"}, {"cpu": "100m", "memory": "8Gi"}])
def test_more_instances_than_there_is_room_for(judge: Judge, form: dict[str, str]) -> None:
    found = only(judge(**asked(**form, instances=20)), "pods-without-node", *FIELDS)
    fitting = found["cure"]["serving.instances"]
    assert 1 <= fitting < 20 and found["command"] == replaying(f"serving.instances={fitting}")
    assert judge(**asked(**form, instances=fitting)) == []


def test_the_router_needs_room_too(judge: Judge) -> None:
    """Three CPU leave no room on any of three nodes with four for the router's pods."""
    wanted = asked(cpu="3", instances=3, nodes=3)
    found = only(judge(**wanted), "pods-without-node", *FIELDS)
    assert found["cure"] == {"serving.instances": 2}
    assert judge(**asked(cpu="3", instances=3, node_size="Standard_D8s_v5")) == []


def test_an_autoscaler_brings_the_nodes_that_pods_wait_for(judge: Judge) -> None:
    assert judge(**asked(cpu="3", instances=3, nodes=3, max_nodes=6)) == []
