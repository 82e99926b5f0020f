"""The embedded sandbox: started by `--target sandbox`, its state kept in the state folder."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from filelock import FileLock
from support import (
    PATIENCE,
    RECIPES,
    Asked,
    Command,
    Ran,
    Sandbox,
    amlwizard,
    commanding,
    existing,
    replaying,
    running,
)
from support.fork_server import AFRESH
from support.journeys import Embedded
from support.processes import Family
from support.shells import imported_already, in_bash, shown

from amlwizard.cloud import Cloud, from_description
from amlwizard.next_steps import ASK, REVIVE
from amlwizard.recipe import SignIn

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("embedded")]


def test_a_replay_needs_nothing_but_the_target(embedded: Embedded) -> None:
    assert embedded.first.code == 0, embedded.first.err
    assert set(embedded.first.outcomes.values()) == {"done"}
    assert "235.114, 246.801, 163.685" in embedded.first.err


def test_a_later_plan_finds_what_the_replay_made(embedded: Embedded) -> None:
    plan = json.loads(embedded.plan.out)
    actions = {step["id"]: step["action"] for step in plan["steps"]}
    assert [s for s, a in actions.items() if a != "keep"] == [
        "sign-in",
        "preflight",
        "check-training",
        "score",
        "verify",
    ]


def test_a_later_replay_scores_what_the_first_one_deployed(embedded: Embedded) -> None:
    """The sandbox was stopped in between: model, endpoint and its address outlive it."""
    assert embedded.second.code == 0, embedded.second.err
    assert embedded.second.that_are("done") == {
        "sign-in",
        "preflight",
        "check-training",
        "score",
        "verify",
    }
    one, two = embedded.first.final("score")["outputs"], embedded.second.final("score")["outputs"]
    assert two["predictions"] == one["predictions"] and two["scoring_uri"] == one["scoring_uri"]
    assert "The model was not trained again." in embedded.second.err


def test_a_later_replay_does_not_wake_the_cluster_for_its_promises(embedded: Embedded) -> None:
    """It slept since the sandbox was stopped; what that leaves unseen is said."""
    first, second = (ran.final("verify")["outputs"] for ran in (embedded.first, embedded.second))
    assert first["kept"] == first["promises"] and not first["without_evidence"]
    assert {line.partition(".")[0] for line in second["without_evidence"]} == {"endpoint"}
    assert "not judged" in embedded.second.err


def test_an_endpoint_that_ended_with_the_replay_comes_back_as_it_says(
    embedded: Embedded,
) -> None:
    state = str(embedded.home / "sandbox" / "sandbox.json")
    key, curl = shown(embedded.second, ASK)
    assert in_bash(curl).returncode != 0
    [revival] = shown(embedded.second, REVIVE)
    assert shlex.split(revival)[-3:] == ["sandbox", "--state", state]
    with running("--state", state):
        done = in_bash(imported_already(key), curl)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == embedded.second.final("score")["outputs"]["predictions"]


def test_every_run_has_its_folder_for_its_owner_alone(embedded: Embedded) -> None:
    runs = sorted((embedded.home / "runs").iterdir())
    assert len(runs) == 2
    for run in runs:
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert {"recipe.yaml", "journal.jsonl"} <= {p.name for p in run.iterdir()}


def test_the_state_is_for_its_owner_alone(embedded: Embedded) -> None:
    folder = embedded.home / "sandbox"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("sandbox.json", "sandbox.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def open_ports(state: Path) -> set[int]:
    ports = json.loads(state.read_text())["ports"].values()
    found = set()
    for port in ports:
        with socket.socket() as probe:
            probe.settimeout(PATIENCE)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                found.add(port)
    return found


@dataclass
class Approving(Asked):
    """A person who signs in at once: a sandbox that a command starts leaves that to the command."""

    sandbox: Sandbox | None = None

    def __call__(self, url: str, user_code: str, expires_at: float) -> None:
        existing(self.sandbox).control("approve", {"user_code": user_code})


def signed_in(sandbox: Sandbox) -> Cloud:
    cloud = Cloud(from_description(sandbox.file), attended=True)
    cloud.sign_in(SignIn(), Approving(sandbox=sandbox), Event())
    return cloud


def wake_the_cluster(cloud: Cloud, replayed: Ran) -> None:
    """Have it run a cell."""
    workspace, cluster = (
        replayed.final(step)["outputs"] for step in ("databricks", "databricks-cluster")
    )
    client = cloud.databricks(workspace["url"], workspace["id"])
    client.start_cluster(cluster["id"])
    client.wait_cluster(cluster["id"], lambda *_, **__: None, Event())
    client.run_cells(cluster["id"], ["1"], lambda *_, **__: None, Event())


def test_nothing_outlives_a_replay_that_is_killed(embedded: Embedded, tmp_path: Path) -> None:
    """With everything running, in processes as users have them: the sandbox, its tracking server, a
    cluster's driver, a deployment. What was made until then is there afterwards."""
    state, temporary = embedded.home / "sandbox" / "sandbox.json", tmp_path / "temporary"
    temporary.mkdir()
    family = Family()
    around = {**embedded.environment, "TMPDIR": str(temporary), **family.environment}
    options = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--clock", "instant")
    try:
        with replaying(*options, **{AFRESH: "yes"}, **around) as replay:
            replay.until("run-started")
            started = json.loads((state.parent / "sandbox.json.d/sandbox.json").read_text())
            sandbox = Sandbox(started)
            sandbox.gate("POST /api/v1/endpoint/.*/score")
            replay.until("step-started", "score")
            cloud = signed_in(sandbox)
            wake_the_cluster(cloud, embedded.first)
            group = f"/subscriptions/{started['subscription']}/resourceGroups/rg-last"
            cloud.arm.send("PUT", group, "2025-04-01", {"location": "westeurope"})
            arguments = " ".join(family.members().values())
            for part in (
                "amlwizard.sandbox --",
                "ml.mlflow_app",
                "sandbox.databricks.node",
                "sandbox.ml.scorer",
            ):
                assert part in arguments
            assert len(open_ports(state)) >= 4
            replay.send(signal.SIGKILL)
            family.wait_until_gone()
    finally:
        family.kill()
    assert open_ports(state) == set()
    assert list(temporary.iterdir()) == []
    assert group.lower() in json.loads(state.read_text())["resources"]
    again = amlwizard("replay", *options, "--json", "--until", "score", **around)
    assert again.code == 0, again.err
    assert again.that_are("done") == {"sign-in", "preflight", "check-training", "score"}


def test_reset_empties_it(tmp_path: Path) -> None:
    home = {"AMLWIZARD_HOME": str(tmp_path)}
    options = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--clock", "instant")
    built = amlwizard("replay", *options, "--json", "--until", "provision", **home)
    assert built.code == 0, built.err
    reset = amlwizard("sandbox", "--reset", **home)
    assert (reset.code, reset.out) == (0, "") and "empty" in reset.err
    assert not (tmp_path / "sandbox").exists()
    assert (tmp_path / "runs").is_dir()
    plan = json.loads(amlwizard("plan", *options, "--json", **home).out)
    actions = {s["id"]: s["action"] for s in plan["steps"]}
    assert actions.pop("providers") == "update"
    assert set(actions.values()) == {"create", "run"}


def test_of_two_commands_at_once_the_second_waits_for_the_sandbox(tmp_path: Path) -> None:
    """Each starts one, on the same state: two at a time would each write what it knows of it."""
    options = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--until", "sign-in")
    home = {"AMLWIZARD_HOME": str(tmp_path)}
    with replaying(*options, **home) as one, replaying(*options, **home) as other:
        ended = [one.end(), other.end()]
    assert [ran.code for ran in ended] == [0, 0], [ran.err for ran in ended]
    clouds = {ran.final("sign-in")["outputs"]["subscription"] for ran in ended}
    assert len(clouds) == 1, "the second found the state of the first"


@pytest.mark.parametrize("command", [("plan",), ("replay", "--json")], ids=lambda c: c[0])
def test_a_command_that_waits_for_the_sandbox_of_another_is_cancelled(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    arguments = (name, str(RECIPES / "quickstart.yaml"), "--target", "sandbox", *options)
    folder, family = tmp_path / "sandbox", Family()
    (folder / "sandbox.json.d").mkdir(parents=True, mode=0o700)
    around = {"AMLWIZARD_HOME": str(tmp_path), **family.environment}
    try:
        with (
            FileLock(folder / "sandbox.json.d" / "lock"),
            commanding(*arguments, **around) as waiting,
        ):
            while not (folder / "sandbox.log").exists():
                Event().wait(0.1)
            waiting.send(signal.SIGTERM)
            ran = waiting.end()
        family.wait_until_gone()
    finally:
        family.kill()
    assert ran.code == 130 and "Cancelling" in ran.err, ran.err
    assert "cancelled while the sandbox was starting" in ran.err


def test_reset_leaves_a_sandbox_in_use_alone(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "sandbox"
    (folder / "sandbox.json.d").mkdir(parents=True)
    (folder / "sandbox.json").write_text("{}")
    (folder / "sandbox.json.d" / "holder").write_text(
        "process 812, started by process 811 at 11:38"
    )
    with FileLock(folder / "sandbox.json.d" / "lock"):
        ran = command("sandbox", "--reset")
    assert ran.code == 1 and "in use" in ran.err and "process 812, started by" in ran.err
    assert (folder / "sandbox.json").exists()


def test_reset_of_nothing_is_no_error(command: Command) -> None:
    assert command("sandbox", "--reset").code == 0
