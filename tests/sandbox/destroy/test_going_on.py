"""A teardown that was killed, or runs beside another one or before others have ended."""

from __future__ import annotations

import signal
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import commanding
from support.standing import QUICKSTART, Destroy, Standing

pytestmark = pytest.mark.xdist_group("destroy")


def test_killed_and_run_again_it_goes_on(platform: Standing, destroy: Destroy) -> None:
    """Killed when the deletion of AKS is at the cloud's door: what was asked for comes about."""
    cluster = platform.id("Microsoft.ContainerService/managedClusters", "aks-mlquick01")
    asked = r"DELETE .*/managedClusters/[^/]+"
    platform.sandbox.gate(asked)
    earlier = platform.sandbox.received(asked)
    command = ("destroy", QUICKSTART, "--target", "sandbox", "--yes", "--json")
    with commanding(*command, **platform.environment) as run:
        platform.sandbox.await_more(asked, earlier)
        run.send(signal.SIGKILL)
        run.process.wait()
    platform.sandbox.clear()
    while cluster.lower() in platform.resources:
        CancelEvent().wait(0.1)
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and platform.resources == {}
    for step in ("kubernetes-compute", "aks"):
        assert ran.final(step)["outcome"] == "kept"
    assert ran.final("vnet")["outcome"] == "done"


def test_a_deletion_under_way_and_services_that_let_go_late_are_waited_for(
    platform: Standing, destroy: Destroy
) -> None:
    cluster = platform.id("Microsoft.ContainerService/managedClusters", "aks-mlquick01").lower()

    def going(state: dict[str, Any]) -> None:
        state["resources"][cluster]["properties"]["provisioningState"] = "Deleting"
        state["operations"]["11111111-1111-1111-1111-111111111111"] = {
            "resource": cluster, "of": cluster, "verb": "delete", "started": 0, "seconds": 1,
            "polls": 0, "status": "InProgress", "error": None, "ended": None, "states": [],
            "tells": {},
        }  # fmt: skip

    platform.change(going)
    platform.sandbox.fault(
        r"DELETE .*/virtualNetworks/[^/]+", status=400, code="InUseSubnetCannotBeDeleted", times=2
    )
    platform.sandbox.fault(
        r"DELETE .*/privateDnsZones/privatelink.azurecr.io", status=409, times=1,
        code="CannotDeleteResource",
    )  # fmt: skip
    before = len(platform.calls())
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and platform.resources == {}
    assert ran.final("aks")["outcome"] in ("done", "kept")
    assert f"delete {cluster}" not in [call.lower() for call in platform.calls(before)]
    assert "InUseSubnetCannotBeDeleted: trying again" in ran.out
