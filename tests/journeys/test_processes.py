"""Interrupted, killed, resumed: nothing is left behind, and nothing is done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support import (
    PATIENCE,
    RECIPES,
    ROOT,
    Ran,
    Sandbox,
    amlwizard,
    environment,
    replaying,
    running,
)
from support.breadth import breadth
from support.processes import Family

from amlwizard.errors import AmlwizardError

QUICKSTART = str(RECIPES / "quickstart.yaml")
TARGET = (QUICKSTART, "--target", "sandbox")
PROVISION = ("--until", "provision")
Sandboxes = Callable[..., Sandbox]


@pytest.fixture
def family() -> Iterator[Family]:
    found = Family()
    yield found
    found.kill()


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


# -- killed


def test_nothing_outlives_a_sandbox_whose_parent_is_killed(family: Family, temporary: Path) -> None:
    around = environment({"TMPDIR": str(temporary), **family.environment})
    wrapper = subprocess.Popen(
        [sys.executable, "-m", "amlwizard", "sandbox", "--clock", "instant"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=around,
    )
    assert wrapper.stdout and wrapper.stdout.readline().startswith("# The sandbox is running")
    assert len(list(temporary.iterdir())) == 1
    wrapper.kill()
    wrapper.wait()
    family.wait_until_gone()
    assert list(temporary.iterdir()) == []
    wrapper.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, breadth(signal.SIGTERM)])
def test_a_sandbox_ends_when_it_is_told_to(
    family: Family, temporary: Path, number: signal.Signals
) -> None:
    around = environment({"TMPDIR": str(temporary), **family.environment})
    wrapper = subprocess.Popen(
        [sys.executable, "-m", "amlwizard", "sandbox", "--clock", "instant"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=around,
    )
    assert wrapper.stdout and wrapper.stdout.readline()
    wrapper.send_signal(number)
    _, errors = wrapper.communicate(timeout=PATIENCE)
    assert (wrapper.returncode, errors) == (0, "The sandbox has ended.\n")
    assert family.members() == {} and list(temporary.iterdir()) == []


def test_a_busy_driver_ends_with_a_sandbox_that_is_killed(
    family: Family, tmp_path: Path, temporary: Path
) -> None:
    """A cell that sleeps does not look at its input, and a child of the cell even less."""
    cell = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"TMPDIR": str(temporary), **family.environment}.items():
            patch.setenv(name, value)
        with running("--approve", "--clock", "instant") as sandbox:
            ran = amlwizard(
                "replay", *TARGET, *PROVISION, "--json", AMLWIZARD_HOME=str(tmp_path),
                **sandbox.environment,
            )  # fmt: skip
            cloud = sandbox.cloud()
            client = cloud.databricks(ran.final("databricks")["outputs"]["url"])
            cluster = ran.final("databricks-cluster")["outputs"]["id"]
            said = threading.Event()
            cancel = threading.Event()

            def run() -> None:
                with suppress(AmlwizardError):
                    client.run_cells(cluster, [cell], lambda *_, **__: said.set(), cancel)

            threading.Thread(target=run, daemon=True).start()
            assert said.wait(PATIENCE)
            while "sleep 600" not in family.members().values():
                assert not cancel.wait(0.1)
            os.kill(family.one("amlwizard.sandbox --"), signal.SIGKILL)
            cancel.set()
            family.wait_until_gone()
    assert list(temporary.iterdir()) == []


# -- interrupted


def test_an_interrupted_replay_says_what_it_left_and_is_gone_on_with(
    sandbox: Sandboxes, tmp_path: Path
) -> None:
    cloud = sandbox("--clock", "instant")
    around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    cloud.hold("Microsoft.ContainerService")
    with replaying(*TARGET, *PROVISION, **around) as replay:
        replay.until("step-progress", "aks")
        replay.send(signal.SIGINT)
        ran = replay.end()
    assert ran.code == 130
    assert ran.events[-1]["kind"] == "run-finished" and ran.events[-1]["exit_code"] == 130
    assert "Cancelling" in ran.err and "Traceback" not in ran.err
    assert ran.outcomes["aks"] == "cancelled"
    assert ran.final("aks-extension")["because"] == "aks"
    assert ran.outcomes["vnet"] == "done" and "failed" not in ran.outcomes.values()
    cloud.clear()
    again = amlwizard("replay", *TARGET, *PROVISION, "--json", **around)
    assert again.code == 0, again.err
    assert again.that_are("kept") >= ran.that_are("done") - {"sign-in", "preflight"}
    assert sum("PUT" in c and c.endswith("/aks-mlquick01") for c in cloud.calls) == 1


def test_a_second_interrupt_waits_for_nothing(sandbox: Sandboxes, tmp_path: Path) -> None:
    cloud = sandbox("--clock", "instant")
    cloud.gate("PUT .*/virtualNetworks/.*")
    cloud.hold("Microsoft.MachineLearningServices")
    around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    with replaying(*TARGET, *PROVISION, **around) as replay:
        waiting = {"vnet", "workspace"}
        while waiting:
            waiting.discard(replay.until("step-started")["step"])
        replay.send(signal.SIGINT)
        replay.until("step-finished", "workspace", outcome="cancelled")
        replay.send(signal.SIGINT)
        ran = replay.end()
    assert ran.code == 130 and "Traceback" not in ran.err


def test_a_replay_whose_output_is_no_longer_read_is_cancelled(
    sandbox: Sandboxes, tmp_path: Path
) -> None:
    """``replay | head``: it stops as on Ctrl-C, and the journal has it all."""
    cloud = sandbox("--clock", "instant")
    around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    with replaying(*TARGET, *PROVISION, **around) as replay:
        run = replay.until("run-started")["run"]
        assert replay.process.stdout
        replay.process.stdout.close()
        assert replay.process.wait(PATIENCE) == 141
    journal = (tmp_path / "runs" / run / "journal.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in journal]
    assert events[-1]["kind"] == "run-finished" and events[-1]["exit_code"] == 130
    outcomes = {e["outcome"] for e in events if e["kind"] == "step-finished"}
    assert {"cancelled"} <= outcomes <= {"cancelled", "done"}


# -- adopted


def _both_begun(state: Any) -> bool:
    """Whether the cloud has taken up AKS and the Databricks cluster, not merely heard of them."""
    aks = any(name.endswith("/managedclusters/aks-mlquick01") for name in state["resources"])
    return aks and any(workspace["clusters"] for workspace in state["databricks"].values())


def test_a_killed_replay_is_gone_on_with_and_what_is_in_flight_is_adopted(
    sandbox: Sandboxes, tmp_path: Path
) -> None:
    """Killed once AKS and the cluster have been asked for, and before anybody heard of them."""
    cloud = sandbox("--clock", "polls")
    around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    cloud.gate("GET .*/Microsoft.ContainerService/locations/.*")
    cloud.gate("GET /api/2.1/clusters/get")
    with replaying(*TARGET, *PROVISION, **around) as replay:
        asked: set[str] = set()
        while not {"aks", "databricks-cluster"} <= asked:
            asked.add(replay.until("step-started")["step"])
        while not _both_begun(cloud.state):
            threading.Event().wait(0.1)
        replay.send(signal.SIGKILL)
    slow = {"polls": -9}  # what is looked at by preflight and step takes longer than a glance
    under_way = cloud.state
    cloud.change(
        operations={
            name: slow for name, o in under_way["operations"].items() if o["status"] == "InProgress"
        },
        databricks={
            name: {"clusters": dict.fromkeys(workspace["clusters"], slow)}
            for name, workspace in under_way["databricks"].items()
        },
    )
    cloud.clear()
    again: Ran = amlwizard("replay", *TARGET, *PROVISION, "--json", **around)
    assert again.code == 0, again.err
    for step in ("aks", "databricks-cluster"):
        assert again.of("step-started", step)[0]["action"] == "wait"
        assert again.outcomes[step] == "done"
    assert again.outcomes["vnet"] == "kept"
    # The PUT of AKS is tried until its identity's role is seen: one of them began something.
    begun = [o for o in cloud.state["operations"].values() if o["of"].endswith("/aks-mlquick01")]
    assert len(begun) == 1
    assert sum(call == "POST /api/2.1/clusters/create" for call in cloud.calls) == 1
    [databricks] = cloud.state["databricks"].values()
    assert len(databricks["clusters"]) == 1
