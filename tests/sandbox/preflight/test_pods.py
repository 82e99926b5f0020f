"""Instances of the deployment that fit on no node."""

from __future__ import annotations

import pytest
from support.preflights import Preflight, only, replaying

from amlwizard.preflight.pods import FIELDS, allocatable

pytestmark = pytest.mark.xdist_group("preflight")


def asked(**serving: object) -> list[str]:
    return [part for k, v in serving.items() for part in ("--set", f"serving.{k}={v!r}")]


def test_what_a_node_leaves_its_pods() -> None:
    """The example in the documents of AKS: 8 GB and 30 pods leave 7.25 GB of memory."""
    cpu, memory = allocatable(2, 8, 30)
    assert cpu == pytest.approx(2000 - 100, abs=20)
    assert memory / 1024 == pytest.approx(7.25, abs=0.15)


def test_a_pod_that_is_larger_than_a_node(preflight: Preflight) -> None:
    found = only(preflight(*asked(cpu="8", memory="64Gi")), "pods-without-node", *FIELDS)
    assert "1 instances with 8 CPU and 64Gi" in found["what"] and found["cure"] == {}
    assert "larger nodes" in found["fix"]


@pytest.mark.parametrize("form", [{"cpu": "2"}, {"cpu": "2000m"}, {"cpu": "100m", "memory": "8Gi"}])
def test_more_instances_than_there_is_room_for(preflight: Preflight, form: dict[str, str]) -> None:
    found = only(preflight(*asked(**form, instances=20)), "pods-without-node", *FIELDS)
    fitting = found["cure"]["serving.instances"]
    assert 1 <= fitting < 20 and found["command"] == replaying(f"serving.instances={fitting}")
    assert preflight(*asked(**form, instances=fitting)) == []


def test_the_router_needs_room_too(preflight: Preflight) -> None:
    """Three CPU leave no room on any of three nodes with four for the router's pods."""
    wanted = asked(cpu="3", instances=3, nodes=3)
    found = only(preflight(*wanted), "pods-without-node", *FIELDS)
    assert found["cure"] == {"serving.instances": 2}
    assert preflight(*asked(cpu="3", instances=3, node_size="Standard_D8s_v5")) == []


def test_an_autoscaler_brings_the_nodes_that_pods_wait_for(preflight: Preflight) -> None:
    assert preflight(*asked(cpu="3", instances=3, nodes=3, max_nodes=6)) == []
