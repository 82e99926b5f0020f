"""The shipped recipes, replayed from nothing to a scored request on a sandbox."""

from __future__ import annotations

import json
import re
import ssl
import threading
from importlib.metadata import version
from time import time

import httpx
import pytest
import yaml
from support import PATIENCE, RECIPES, Asked, Json, Ran, document, recipe_of
from support.journeys import SCORING_KEY, Journey
from support.shells import in_bash, shown

from amlwizard.capture.recording import UNSEEN
from amlwizard.next_steps import ASK
from amlwizard.notebook.access import api_of
from amlwizard.plan import Context
from amlwizard.plan.outputs import Outputs
from amlwizard.rules.scoring_request import DIABETES
from amlwizard.steps import steps_for
from amlwizard.steps.asking import send

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]

PREDICTIONS = [235.114, 246.801, 163.685]


@pytest.fixture(params=["quickstart", "article", "private"])
def any_journey(request: pytest.FixtureRequest) -> Journey:
    found: Journey = request.getfixturevalue(request.param)
    return found


def test_a_journey_ends_with_the_known_metrics_and_predictions(any_journey: Journey) -> None:
    train = any_journey.output("train")
    assert (train["metrics"]["training_rows"], train["metrics"]["test_rows"]) == (353, 89)
    assert train["metrics"]["mse"] == pytest.approx(3424.857, abs=0.001)
    assert any_journey.output("score")["predictions"] == pytest.approx(PREDICTIONS, abs=0.001)


def test_every_step_has_one_final_word(any_journey: Journey) -> None:
    ran = any_journey.ran
    steps = [step["id"] for step in ran.of("run-started")[0]["steps"]]
    assert steps == [step.id for step in steps_for(recipe_of(any_journey.recipe))]
    assert sorted(e["step"] for e in ran.of("step-finished")) == sorted(steps)
    assert set(ran.outcomes.values()) == {"done"}
    assert ran.events[-1]["kind"] == "run-finished"
    assert ran.events[-1]["counts"] == {"done": len(steps)}


def test_standard_output_is_events_and_nothing_else(any_journey: Journey) -> None:
    events = any_journey.ran.events  # every line is JSON, or this raises
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert [e["at"] for e in events] == sorted(e["at"] for e in events)


def test_nobody_asked_what_the_sandbox_does_not_know(any_journey: Journey) -> None:
    assert any_journey.sandbox.unknown == []


def test_a_step_starts_after_what_it_comes_after(any_journey: Journey) -> None:
    ran = any_journey.ran
    began = {e["step"]: e["seq"] for e in ran.of("step-started")}
    ended = {e["step"]: e["seq"] for e in ran.of("step-finished")}
    for step in ran.of("run-started")[0]["steps"]:
        assert all(ended[before] < began[step["id"]] for before in step["after"])


def test_training_begins_while_aks_is_still_being_built(any_journey: Journey) -> None:
    ran = any_journey.ran
    assert ran.of("step-started", "train")[0]["seq"] < ran.final("aks")["seq"]


def test_the_vnet_is_one_request(any_journey: Journey) -> None:
    names = recipe_of(any_journey.recipe).names
    writes = [
        call
        for call in any_journey.sandbox.calls
        if call.startswith("PUT") and f"/virtualNetworks/{names.vnet}" in call
        and "/roleAssignments/" not in call
    ]  # fmt: skip
    assert len(writes) == 1 and writes[0].endswith(names.vnet)


def test_a_journey_ends_with_where_everything_is(any_journey: Journey) -> None:
    said = {
        line.split()[0]: line.split(maxsplit=1)[1]
        for line in any_journey.ran.err.splitlines()
        if len(line.split()) > 1
    }
    run = any_journey.home / "runs" / any_journey.ran.of("run-started")[0]["run"]
    assert said["Recipe"] == str(run / "recipe.yaml")
    assert said["Journal"] == str(run / "journal.jsonl")
    assert said["Run"].startswith(any_journey.output("train")["run_id"])
    assert "mse 3424.86" in said["Run"]
    model = any_journey.output("register")
    assert said["Model"] == f"{model['model']} version {model['version']}"
    assert said["Endpoint"] == any_journey.output("traffic")["scoring_uri"]
    assert said["Predictions"] == "235.114, 246.801, 163.685"
    assert said["Slowest"]


def test_the_lines_that_it_ends_with_send_the_request_from_another_shell(
    quickstart: Journey,
) -> None:
    key, curl = shown(quickstart.ran, ASK)
    done = in_bash(key, curl)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == pytest.approx(PREDICTIONS, abs=0.001)
    assert SCORING_KEY not in key + curl + done.stderr


def test_the_journal_is_the_event_stream(any_journey: Journey) -> None:
    run = any_journey.home / "runs" / any_journey.ran.of("run-started")[0]["run"]
    assert (run / "journal.jsonl").read_text().splitlines() == any_journey.ran.out.splitlines()


def test_the_picture_stands_beside_the_journal_and_not_in_it(any_journey: Journey) -> None:
    run = any_journey.home / "runs" / any_journey.ran.of("run-started")[0]["run"]
    name = "actual-vs-predicted.png"
    picture = run / name
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_mode & 0o777 == 0o600
    drawn = [e["data"] for e in any_journey.ran.of("step-progress", "train") if name in e["data"]]
    assert [data[name] for data in drawn] == [{"file": name}]
    assert picture.stat().st_size > (run / "journal.jsonl").stat().st_size / 10


def test_the_models_environment_is_pinned_to_what_it_was_trained_with(any_journey: Journey) -> None:
    stored = (any_journey.home.parent / "cloud").rglob("ExperimentRun/*/model-served-*/conda.yaml")
    for file in (first := list(stored)):
        python, *_, last = yaml.safe_load(file.read_text())["dependencies"]
        assert re.fullmatch(r"python=3\.\d+", python)
        pins = dict(re.split("[=>]=", requirement) for requirement in last["pip"])
        assert {
            "mlflow",
            "scikit-learn",
            "azureml-ai-monitoring",
            "azureml-inference-server-http",
        } <= set(pins)
        for package in ("numpy", "scipy", "cloudpickle"):
            assert pins[package] == version(package)
    assert first


def test_the_signature_is_known_after_training(any_journey: Journey) -> None:
    inputs = any_journey.output("train")["model"]["signature"]["inputs"]
    columns = {part["name"]: part["type"] for part in inputs}
    assert list(columns) == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    assert set(columns.values()) == {"double"}


def test_the_kept_recipe_replays_the_run(any_journey: Journey) -> None:
    run = any_journey.home / "runs" / any_journey.ran.of("run-started")[0]["run"]
    kept = (run / "recipe.yaml").read_text()
    shipped = (RECIPES / f"{any_journey.recipe}.yaml").read_text()
    if any_journey.recipe == "article":
        shipped = shipped.replace("login: device-code", "login: environment")
    assert kept == shipped


def test_standard_error_has_no_stray_line(any_journey: Journey) -> None:
    """What libraries log is not for the person."""
    for line in any_journey.ran.err.splitlines():
        known = (
            "Sandbox: signed in as", "Recipe", "Journal", "Run", "Model", "Endpoint", "Predictions",
            "Promises", "Slowest", "Notebook", "Deployment", "To ", "  ",
        )  # fmt: skip
        assert not line or line.startswith(known) or line.endswith(UNSEEN), line


def test_training_tracks_into_the_workspace_and_nowhere_else(quickstart: Journey) -> None:
    services = ("/mlflow/", "/history/", "/artifact/")
    calls = [c for c in quickstart.sandbox.calls if any(service in c for service in services)]
    scope = "/providers/Microsoft.MachineLearningServices/workspaces/mlw-mlquick01/"
    assert calls and all(scope in call for call in calls)
    assert any(call.endswith("/runs/create") for call in calls)
    stored = [c for c in quickstart.sandbox.calls if re.match(r"PUT /[0-9a-f-]{36}-azureml/Exp", c)]
    assert any(call.endswith("/actual-vs-predicted.png") for call in stored)


# -- a second replay


@pytest.fixture
def again(second: tuple[Ran, list[str]]) -> Ran:
    return second[0]


ALWAYS = {"sign-in", "preflight", "check-training", "score", "verify"}  # they change nothing


def test_a_second_replay_keeps_everything(again: Ran) -> None:
    assert again.code == 0
    assert again.that_are("kept") | ALWAYS == set(again.outcomes)
    assert again.that_are("done") == ALWAYS


def test_a_second_replay_trains_nothing_anew_and_says_so(
    again: Ran, second: tuple[Ran, list[str]], quickstart: Journey
) -> None:
    assert again.final("train")["outputs"] == quickstart.output("train")
    kept, all_of_them = len(again.that_are("kept")), len(again.outcomes)
    said = f"{kept} of {all_of_them} steps were kept as they are. The model was not trained again."
    assert said in again.err
    assert "235.114, 246.801, 163.685" in again.err


def test_a_second_replay_only_reads(second: tuple[Ran, list[str]]) -> None:
    """But for the lease of the platform, and the probe of the inside: a token lent to it, and cells
    that look around."""
    writes = {call for call in second[1] if not call.startswith("GET")}
    assert {call for call in writes if call.startswith(("PUT", "PATCH", "DELETE"))} == {
        call for call in writes if call.endswith("/providers/Microsoft.Resources/tags/default")
    }
    writes = {call for call in writes if not call.startswith("PATCH")}
    paths = {call.partition(" ")[2] for call in writes}
    probe = {path for path in paths if path.startswith("/api/")} - {
        path for path in paths if path.endswith("/score")
    }
    assert probe == {
        "/api/2.0/secrets/put", "/api/2.0/secrets/delete", "/api/1.2/contexts/create",
        "/api/1.2/contexts/destroy", "/api/1.2/commands/execute",
    }  # fmt: skip
    others = {path.rpartition("/")[2] for path in paths - probe}
    assert others == {"devicecode", "token", "listKeys", "score", "search"}


def test_a_plan_then_shows_what_is_kept(quickstart: Journey, again: Ran) -> None:
    ran = quickstart.command("plan", "--json")
    plan = json.loads(ran.out)
    assert plan["target"] == "sandbox"
    assert {s["id"]: s["action"] for s in plan["steps"]} == {
        step: "run" if step in ALWAYS else "keep" for step in again.outcomes
    }
    text = quickstart.command("plan").out
    assert f"{len(again.that_are('kept'))} to keep" in text and "compared with sandbox" in text


# -- training anew


def test_rerun_trains_anew_and_carries_it_to_the_endpoint(rerun: Ran, quickstart: Journey) -> None:
    assert rerun.code == 0, rerun.err
    before, after = quickstart.output("train"), rerun.final("train")["outputs"]
    assert after["run_id"] != before["run_id"] and after["metrics"] == before["metrics"]
    assert rerun.final("register")["outputs"]["version"] == "2"
    assert rerun.that_are("done") == {
        *(ALWAYS - {"verify"}),
        "train",
        "fit-to-serve",
        "register",
        "rollout",
        "deployment",
    }
    assert rerun.of("step-started", "deployment")[0]["action"] == "update"


def test_what_was_trained_last_is_then_kept(rerun: Ran, quickstart: Journey) -> None:
    ran = quickstart.command("replay", "--json", "--until", "register")
    assert ran.final("train")["outcome"] == "kept"
    assert ran.final("train")["outputs"] == rerun.final("train")["outputs"]
    assert ran.final("register")["outputs"]["version"] == "2"
    assert "deployment" not in ran.outcomes and "score" not in ran.outcomes


# -- what is special about a recipe


def test_rows_without_names_are_refused_and_the_log_says_why(quickstart: Journey) -> None:
    """What Microsoft's server says of them, its parser being chosen by the model's signature."""
    cloud, names = quickstart.sandbox.cloud(), recipe_of("quickstart").names
    ml = cloud.ml(quickstart.output("workspace")["id"])
    key, uri = ml.keys(names.endpoint), quickstart.output("traffic")["scoring_uri"]
    rows, began = document(recipe_of("article").scoring.request)["data"], time()
    refused = cloud.score(uri, key, {"input_data": rows})
    assert (
        refused.status == 500
        and refused.ran
        and "Check the logs" in document(refused.body)["message"]
    )
    said = ml.last_exception(names.endpoint, names.deployment, began)
    assert said == "AttributeError: 'list' object has no attribute 'items'"
    assert ml.last_exception(names.endpoint, names.deployment, time() + 3600) == "", "it is old"
    unnamed = cloud.score(uri, key, {"data": rows})
    assert unnamed.status == 400 and "input_data" in document(unnamed.body)["message"]


def test_the_article_shows_the_request_as_given_and_as_sent(article: Journey) -> None:
    shown = next(
        e["data"] for e in article.ran.of("step-progress", "score") if "given" in e["data"]
    )
    rows = document(recipe_of("article").scoring.request)["data"]
    named = {"columns": list(DIABETES.columns), "index": [0, 1, 2], "data": rows}
    assert shown == {"given": {"data": rows}, "sent": {"input_data": named}}
    asked = [e for e in article.ran.events if e.get("step") == "score"]
    assert "warning" not in json.dumps(asked)


def test_a_private_endpoint_is_scored_from_inside(private: Journey) -> None:
    assert private.output("score")["from"] == "the VNET"
    cells = [e["message"] for e in private.ran.of("step-progress", "score")]
    assert any("Send the scoring request from inside the VNET" in m for m in cells)


def test_what_fails_inside_is_told_with_what_the_container_wrote(private: Journey) -> None:
    recipe, cloud = recipe_of("private"), private.sandbox.cloud()
    finals = private.ran.of("step-finished")
    outputs = Outputs({event["step"]: event["outputs"] for event in finals})
    ctx = Context(recipe, cloud, outputs, threading.Event(), Asked())
    columns = list(DIABETES.columns)
    missing: Json = {"columns": columns, "index": [0], "data": [[None] * len(columns)]}
    answer = send(ctx, recipe, {"input_data": missing}, lambda *_: None)
    assert answer.status == 500 and "Input X contains NaN" in answer.why


def test_a_private_endpoint_does_not_answer_outside(private: Journey) -> None:
    uri = private.output("traffic")["scoring_uri"]
    with pytest.raises(httpx.ConnectError):
        httpx.post(uri, json=recipe_of("private").scoring.request, trust_env=False)


def test_the_workspace_refuses_tracking_from_outside(quickstart: Journey) -> None:
    cloud = quickstart.sandbox.cloud()
    uri = api_of(cloud.ml(quickstart.output("workspace")["id"]).tracking_uri())
    answer = httpx.post(
        f"{uri}/api/2.0/mlflow/experiments/search",
        headers={"Authorization": f"Bearer {cloud.access_token('arm').reveal()}"},
        json={"max_results": 1},
        verify=ssl.create_default_context(cafile=quickstart.sandbox.description["ca"]),
        trust_env=False,
        timeout=PATIENCE,
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "UserError"
    assert "private link" in answer.json()["error"]["message"]
