"""Whatever cuts a training off, it has one run in MLflow, and none is left running; nor is anything of it
deployed twice."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from chaos.grounds import Ground, score, train
from chaos.trials import MUST_BE_0, SECOND, Trial
from support import RECIPES, Json, Ran, Sandbox, amlwizard, replaying, running
from support.breadth import breadth
from support.faults import FAULTS
from support.trainings import nothing_lent, runs

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("one_training")]
TARGET = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox")
REGISTERED = ("--until", "register")
MLFLOW = "/api/2.0/mlflow/"
KINDS = (
    "experiments/get-by-name", "experiments/search", "model-versions/create", "model-versions/search",
    "registered-models/create", "runs/create", "runs/get", "runs/search", "runs/update",
)  # fmt: skip
LOGGING = "POST .*/runs/log-batch"
VERSIONS = "model-versions/create"
UNTRIED = ("--set", "expect.metrics={}", "--set", "serving.environment=mine.azurecr.io/score:1")
"""A model whose environment only an image has is not tried before it is registered."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        built = amlwizard(
            "replay", *TARGET, "--until", "provision", "--json",
            AMLWIZARD_HOME=str(tmp_path_factory.mktemp("home")), **sandbox.environment,
        )  # fmt: skip
        assert built.code == 0, built.err
        yield sandbox


@pytest.fixture
def around(cloud: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    yield {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    cloud.clear()


def trained(*options: str, **around: str) -> Ran:
    ran = amlwizard("replay", *TARGET, *REGISTERED, *options, "--json", **around)
    assert ran.code == 0, ran.err
    return ran


LOST = (
    "experiments/create",
    "runs/create",
    "runs/log-batch",
    "runs/update",
    "model-versions/create",
)
FAILING = {
    "POST /api/2.0/secrets/put": 500,
    "GET /api/2.0/secrets/list": 500,
    "POST /api/1.2/contexts/create": 500,
    "POST .*/mlflow/experiments/search": 503,
    "POST .*/runs/log-parameter": 429,
    "POST .*/artifacts/batch/metadata": 429,
    "PUT .*/ExperimentRun/.*": 503,
    "GET .*/models/[^/]*/versions": 502,
}


def plant_what_cannot_be_read(cloud: Sandbox) -> None:
    """MLflow asks again after an error, but not after an answer of which it can make nothing."""
    for number, kind in enumerate(KINDS):
        cloud.fault(f".*{MLFLOW}{kind}", times=1, **FAULTS[("unreadable", "cut")[number % 2]])


def kinds(calls: Sequence[str]) -> set[str]:
    """What MLflow was asked for."""
    return {call.partition(MLFLOW)[2] for call in calls if MLFLOW in call}


def test_once_at_every_request_of_a_training(cloud: Sandbox, around: dict[str, str]) -> None:
    """Libraries ask again, MLflow's and Databricks' too, or do not; neither makes a second run or
    version."""
    cloud.fault("POST /api/1.2/commands/execute", holds="def open_run", mode="drop", times=1)
    for call in LOST:
        cloud.fault(f"POST .*/{call}", mode="drop", times=1)
    for call, status in FAILING.items():
        cloud.fault(call, status=status, text="", times=1)
    plant_what_cannot_be_read(cloud)
    before = len(cloud.calls)
    ran = trained(**around)
    assert runs(cloud) == {ran.final("train")["outputs"]["run_id"]: "FINISHED"}
    assert nothing_lent(cloud)
    made = cloud.calls[before:]
    assert {call for call in FAILING if not any(re.fullmatch(call, c) for c in made)} == set()
    assert kinds(made) >= {*KINDS}
    assert ran.final("register")["outputs"]["version"] == "1"
    assert trained(**around).final("register")["outputs"] == ran.final("register")["outputs"]
    assert kinds(cloud.calls[before + len(made) :]).isdisjoint({"runs/create", VERSIONS})


def test_a_cluster_that_terminates_makes_no_second_run(
    cloud: Sandbox, around: dict[str, str]
) -> None:
    before, other = runs(cloud), ("--set", "training.parameters.alpha=0.4", *UNTRIED)
    cloud.fault("POST /api/1.2/commands/execute", holds="# Measure", mode="terminate", times=1)
    ran = trained(*other, "--until", "train", **around)
    run = ran.final("train")["outputs"]["run_id"]
    assert runs(cloud) == {**before, run: "FINISHED"}
    assert any(
        "terminated in the meantime" in e["message"] for e in ran.of("step-progress", "train")
    )


def test_an_interrupt_ends_the_run(cloud: Sandbox, around: dict[str, str]) -> None:
    before = runs(cloud)
    earlier = cloud.received(LOGGING)
    cloud.gate(LOGGING)
    with replaying(*TARGET, *REGISTERED, "--rerun", "train", **around) as replay:
        replay.until("step-progress", "train", message="cell 9 of 14: Measure and log")
        cloud.await_more(LOGGING, earlier)
        replay.send(signal.SIGINT)
        ran = replay.end()
    assert ran.code == 130 and ran.outcomes["train"] == "cancelled"
    [ended] = set(runs(cloud)) - set(before)
    assert runs(cloud)[ended] == "KILLED"
    assert nothing_lent(cloud)


def test_a_killed_training_is_taken_up_by_the_next(cloud: Sandbox, around: dict[str, str]) -> None:
    """It is killed twice: while a cell logs, and while another registers, which then does all its
    work. What either left goes."""
    before, other = runs(cloud), ("--set", "training.parameters.alpha=0.5", *UNTRIED)
    earlier = cloud.received(LOGGING)
    cloud.gate(LOGGING)
    with replaying(*TARGET, *REGISTERED, *other, **around) as replay:
        replay.until("step-progress", "train", message="cell 9 of 14: Measure and log")
        cloud.await_more(LOGGING, earlier)
        replay.send(signal.SIGKILL)
        replay.process.wait()
    [left] = set(runs(cloud)) - set(before)
    assert runs(cloud)[left] == "RUNNING"
    cloud.clear()

    contexts = cloud.received("POST .*/contexts/create"), cloud.received("POST .*/contexts/destroy")
    registering = "POST .*/registered-models/create"
    earlier, made = cloud.received(registering), cloud.received("POST .*/model-versions/create")
    cloud.gate(registering)
    with replaying(*TARGET, *REGISTERED, *other, **around) as replay:
        taken_up = replay.until("step-finished", "train")
        cloud.await_more(registering, earlier)
        replay.send(signal.SIGKILL)
        replay.process.wait()
    assert taken_up["outputs"]["run_id"] == left
    cloud.clear()
    cloud.await_more("POST .*/model-versions/create", made)
    assert not nothing_lent(cloud)

    ran = trained(*other, **around)
    opened, closed = (cloud.received(f"POST .*/contexts/{what}") for what in ("create", "destroy"))
    assert closed - contexts[1] == opened - contexts[0] + 1, "that of the killed run is closed, too"
    assert ran.final("train")["outputs"]["run_id"] == left
    assert set(runs(cloud)) == {*before, left} and runs(cloud)[left] == "FINISHED"
    assert nothing_lent(cloud)


@pytest.mark.breadth  # as the journey of test_breakage_training goes on
def test_a_finished_training_is_not_done_again(cloud: Sandbox, around: dict[str, str]) -> None:
    before, other = (
        runs(cloud),
        ("--set", "training.parameters.alpha=0.6", "--set", "expect.metrics={}"),
    )
    with replaying(*TARGET, *REGISTERED, *other, **around) as replay:
        replay.until("step-started", "register")
        replay.send(signal.SIGKILL)
        replay.process.wait()
    [done] = set(runs(cloud)) - set(before)
    ran = trained(*other, **around)
    assert ran.final("train")["outputs"]["run_id"] == done
    assert set(runs(cloud)) == {*before, done}
    assert ran.final("train")["outputs"]["metrics"]["mse"] > 0


@pytest.mark.breadth
def test_an_answer_lost_in_registering_makes_no_second_version(
    cloud: Sandbox, around: dict[str, str]
) -> None:
    cloud.fault("POST .*/model-versions/create", mode="drop", times=1)
    other = ("--set", "training.parameters.alpha=0.7", "--set", "expect.metrics={}")
    ran = trained(*other, **around)
    again = trained(*other, **around)
    assert again.final("register")["outputs"] == ran.final("register")["outputs"]
    asked = [call for call in cloud.calls if call.endswith("/model-versions/create")]
    assert int(ran.final("register")["outputs"]["version"]) == len(asked)


@pytest.mark.breadth
def test_every_answer_of_the_workspace_may_be_cut_or_unreadable_once(
    cloud: Sandbox, around: dict[str, str]
) -> None:
    """What a user's notebook logs is MLflow's own business: then its cell fails."""
    before, other = (
        runs(cloud),
        ("--set", "training.parameters.alpha=0.9", "--set", "expect.metrics={}"),
    )
    plant_what_cannot_be_read(cloud)
    asked = len(cloud.calls)
    ran = trained(*other, **around)
    assert set(runs(cloud)) == {*before, ran.final("train")["outputs"]["run_id"]}
    assert kinds(cloud.calls[asked:]) >= {*KINDS}


SERVING: dict[str, Json] = {
    "PUT .*/onlineEndpoints/[^/]*": FAULTS["lost"],
    "PUT .*/deployments/[^/]*": FAULTS["lost"],
    "GET .*/onlineEndpoints/[^/]*": FAULTS["cut"],
    "GET .*/deployments/[^/]*": FAULTS["unreadable"],
    "GET .*MachineLearningServices/locations/.*/operationStatuses/.*": FAULTS["503"],
    "POST .*/listKeys": FAULTS["empty"],
    "POST .*/score": FAULTS["502 of a gateway"],
}


def test_once_at_every_request_of_a_deployment(cloud: Sandbox, around: dict[str, str]) -> None:
    for call, fault in SERVING.items():
        cloud.fault(f"(?i){call}", times=1, **fault)
    before = len(cloud.calls)
    ran = amlwizard("replay", *TARGET, "--until", "score", "--json", **around)
    assert ran.code == 0, ran.err
    made = cloud.calls[before:]
    unmet = {c for c in SERVING if not any(re.fullmatch(f"(?i){c}", line) for line in made)}
    assert unmet == set()
    resources = cloud.state["resources"].values()
    assert sum(one["type"].endswith("/onlineEndpoints/deployments") for one in resources) == 1
    again = amlwizard("replay", *TARGET, "--until", "score", "--json", **around)
    assert again.code == 0 and again.outcomes["deployment"] == "kept"


SLICE = sorted({*FAILING, *(f"POST .*/{call}" for call in LOST)})


SCORING = Ground("score", score, ("POST .*/listKeys", "POST .*/score"))
TRAINING = Ground("train", train, SLICE)


@pytest.mark.parametrize(
    ("ground", "seed", "what"),
    [(SCORING, 14, SECOND), breadth(TRAINING, 14, SECOND), breadth(TRAINING, 13, "kill")],
    ids=lambda value: value.name if isinstance(value, Ground) else None,
)
def test_a_slice_of_make_chaos(
    cloud: Sandbox, around: dict[str, str], ground: Ground, seed: int, what: str
) -> None:
    call = random.Random(seed).choice(ground.calls)  # noqa: S311 - which request, no secret
    trial = Trial(ground, seed, call, what, around)
    assert not set(trial.verdicts(cloud)) & set(MUST_BE_0)
