"""A teardown that was killed, or finds another under way; and where its journal is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from standing import QUICKSTART, Destroy, Standing
from support import ROOT

pytestmark = pytest.mark.xdist_group("destroy")


def test_killed_and_run_again_it_goes_on(platform: Standing, destroy: Destroy) -> None:
    platform.sandbox.fault(r"DELETE .*/managedClusters/[^/]+", mode="hang")
    process = subprocess.Popen(
        [sys.executable, "-m", "amlwizard", "destroy", QUICKSTART, "--target", "sandbox", "--yes",
         "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event["kind"] == "step-started" and event["step"] == "aks":
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    platform.sandbox.control("faults", method="DELETE")
    assert platform.resources
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and platform.resources == {}
    assert ran.final("kubernetes-compute")["outcome"] == "kept"
    assert ran.final("aks")["outcome"] == "done"


def test_a_deletion_under_way_is_waited_for(platform: Standing, destroy: Destroy) -> None:
    cluster = platform.id("Microsoft.ContainerService/managedClusters", "aks-mlquick01").lower()

    def going(state: dict[str, Any]) -> None:
        state["resources"][cluster]["properties"]["provisioningState"] = "Deleting"
        state["operations"]["11111111-1111-1111-1111-111111111111"] = {
            "resource": cluster, "verb": "delete", "started": 0, "seconds": 1, "polls": 0,
            "status": "InProgress", "error": None,
        }  # fmt: skip

    platform.change(going)
    before = len(platform.calls())
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and platform.resources == {}
    assert ran.final("aks")["outcome"] in ("done", "kept")
    assert f"delete {cluster}" not in [call.lower() for call in platform.calls(before)]


def test_journals_of_teardowns_stand_apart(platform: Standing, destroy: Destroy) -> None:
    home = Path(os.environ["AMLWIZARD_HOME"])
    before = set((home / "runs").iterdir())
    assert destroy("--yes").code == 0
    assert set((home / "runs").iterdir()) == before
    assert any((home / "teardowns").glob("*/journal.jsonl"))
