"""A cloud whose endpoints take no model without a scoring script: the refusal says the way out, and by
it the recipe ends with a scored request. What was built stays."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
import yaml
from journeys.test_contracts import keeps_the_contracts
from support import RECIPES, Ran, Sandbox, amlwizard, contracts, recipe_of, running

from amlwizard import serving
from amlwizard.design.api_versions import MACHINE_LEARNING
from amlwizard.errors import CloudError

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("script")]

RECIPE = str(RECIPES / "quickstart.yaml")
SCRIPT = ("--set", "serving.scoring=script")
DEPLOY, SCORE = ("--json", "--until", "deploy"), ("--json", "--until", "score")
OWN = {"scoring-files", "scoring-code", "scoring-environment"}


@dataclass
class Switched:
    """The refused replay, the one with a scoring script, and that again."""

    sandbox: Sandbox
    home: Path
    capture: Path
    command: Callable[..., Ran]
    refused: Ran
    scored: Ran
    again: Ran


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switched]:
    folder = tmp_path_factory.mktemp("script")
    home, capture = folder / "home", folder / "capture.jsonl"
    with running("--approve", "--clock", "instant", "--capture", str(capture)) as sandbox:
        sandbox.change(no_code=False)

        def command(name: str, *options: str) -> Ran:
            return amlwizard(
                name, RECIPE, "--target", "sandbox", *options,
                AMLWIZARD_HOME=str(home), **sandbox.environment,
            )  # fmt: skip

        refused = command("replay", "--json")
        scored = command("replay", *SCORE, *SCRIPT)
        again = command("replay", *DEPLOY, *SCRIPT)
        yield Switched(sandbox, home, capture, command, refused, scored, again)


def test_the_refusal_names_the_setting(switched: Switched) -> None:
    assert switched.refused.code == 1
    error = switched.refused.final("deployment")
    assert "needs a scoring script" in error["why"]
    replaying = f"amlwizard replay {shlex.quote(str(RECIPE))} --target sandbox"
    assert f"{replaying} --set serving.scoring=script" in error["fix"]


def test_with_a_script_the_model_is_scored(switched: Switched) -> None:
    assert switched.scored.code == 0, switched.scored.err
    expected = recipe_of("quickstart").expect.predictions
    assert switched.scored.final("score")["outputs"]["predictions"] == pytest.approx(
        expected, abs=0.001
    )
    made = {e["step"] for e in switched.scored.of("step-started") if e["action"] != "keep"}
    assert made >= OWN | {"deployment"} and "train" not in made
    assert switched.sandbox.unknown == []


def test_equal_content_is_not_uploaded_again(switched: Switched) -> None:
    assert switched.again.code == 0
    assert switched.again.that_are("kept") >= OWN | {"deployment"}


def test_the_deployment_has_our_script_in_the_models_environment(switched: Switched) -> None:
    resources = switched.sandbox.state["resources"].values()
    deployment = next(r["properties"] for r in resources if r["type"].endswith("/deployments"))
    assert deployment["codeConfiguration"]["scoringScript"] == serving.SCRIPT
    by_id = {resource["id"]: resource["properties"] for resource in resources}
    environment = by_id[deployment["environmentId"]]
    assert "azureml-inference-server-http" in environment["condaFile"]
    assert by_id[deployment["codeConfiguration"]["codeId"]]["codeUri"].endswith("/src")


def test_what_went_missing_comes_again(switched: Switched) -> None:
    """Also where Azure writes the conda file in a form of its own."""
    arm, resources = switched.sandbox.cloud().arm, switched.sandbox.state["resources"].values()
    gone = [r for r in resources if re.search("/(codes|environments)/versions$", r["type"])]
    for resource in gone:
        arm.send("DELETE", resource["id"], MACHINE_LEARNING)
    conda = next(r["properties"].get("condaFile") for r in gone if "condaFile" in r["properties"])
    as_json = json.dumps(yaml.safe_load(conda))
    switched.sandbox.fault("GET .*/environments/.*", edit={"properties.condaFile": as_json})
    ran = switched.command("replay", *DEPLOY, *SCRIPT)
    again = switched.command("replay", *DEPLOY, *SCRIPT)
    switched.sandbox.clear()
    assert ran.code == again.code == 0, ran.err + again.err
    assert {step for step in OWN if ran.outcomes[step] == "done"} == OWN
    assert ran.outcomes["deployment"] == "kept" and again.that_are("kept") >= OWN


def test_the_signed_address_is_written_nowhere(switched: Switched) -> None:
    """It is in the answer that gives it, where the capture masks it, and in a secret scope."""
    signatures = re.findall(r"sig=([^&\"\\]+)", switched.capture.read_text())
    assert set(signatures) == {"REDACTED"}
    journals = "".join(path.read_text() for path in switched.home.rglob("*.jsonl"))
    assert "sig=" not in switched.scored.out + switched.scored.err + journals


def test_the_setting_can_be_taken_back(switched: Switched) -> None:
    plan = json.loads(switched.command("plan", "--json").out)
    deployment = next(step for step in plan["steps"] if step["id"] == "deployment")
    assert deployment["action"] == "update"
    assert any("codeConfiguration" in said for said in deployment["differences"])
    switched.sandbox.change(no_code=True)
    back = switched.command("replay", *SCORE)
    assert back.code == 0, back.err
    assert "codeConfiguration" not in json.dumps(switched.sandbox.state["resources"])
    assert switched.command("plan", "--json").out.count('"update"') == 0


def test_a_script_that_is_not_in_the_code_fails_as_on_kubernetes(switched: Switched) -> None:
    resources = list(switched.sandbox.state["resources"].values())
    deployment = next(r for r in resources if r["type"].endswith("/deployments"))
    code, environment = (
        next(r["id"] for r in resources if r["type"].endswith(f"/{kind}/versions"))
        for kind in ("codes", "environments")
    )
    script = {"codeId": code, "scoringScript": "none.py"}
    deployment["properties"] |= {"codeConfiguration": script, "environmentId": environment}
    with pytest.raises(CloudError) as error:
        switched.sandbox.cloud().arm.put(
            deployment["id"], MACHINE_LEARNING, deployment, lambda *_, **__: None, Event()
        )
    assert error.value.code == "UserScriptImportError"


OWN_SCRIPT = """
import json

def init():
    global model
    import glob, os
    import mlflow.pyfunc
    found = min(glob.glob(os.environ["AZUREML_MODEL_DIR"] + "/**/MLmodel", recursive=True), key=len)
    model = mlflow.pyfunc.load_model(os.path.dirname(found))

def run(body):
    import pandas as pd
    given = json.loads(body)["input_data"]
    frame = pd.DataFrame(given["data"], columns=given["columns"])
    return [round(float(value)) for value in model.predict(frame)]
"""


def test_a_script_and_an_environment_of_ones_own_are_deployed(
    switched: Switched, tmp_path: Path
) -> None:
    script, conda = tmp_path / "mine.py", tmp_path / "conda.yaml"
    script.write_text(OWN_SCRIPT)
    packages = ["mlflow==2.22.5", "scikit-learn==1.9.1", "azureml-inference-server-http>=1.4"]
    conda.write_text(yaml.safe_dump({"dependencies": ["python=3.11", "pip", {"pip": packages}]}))
    own = ("--set", f"serving.script={script}", "--set", f"serving.environment={conda}")
    ran = switched.command("replay", *SCORE, *own, "--set", "expect.predictions=[235, 247, 164]")
    assert ran.code == 0, ran.err
    assert ran.final("score")["outputs"]["predictions"] == [235, 247, 164]
    assert ran.that_are("done") >= OWN | {"fit-to-serve", "deployment"}
    resources = switched.sandbox.state["resources"].values()
    deployment = next(r["properties"] for r in resources if r["type"].endswith("/deployments"))
    assert deployment["codeConfiguration"]["scoringScript"] == "mine.py"
    script.write_text("def init(: pass")
    refused = switched.command("replay", "--json", *own)
    assert refused.code == 2 and "line 1" in refused.err


def test_code_and_environment_go_with_the_workspace(switched: Switched) -> None:
    gone = switched.command("destroy", "--purge", "--yes", *SCRIPT)
    assert gone.code == 0, gone.err
    assert switched.sandbox.state["resources"] == {}


@pytest.mark.contract
@pytest.mark.skipif(not contracts.HERE, reason=contracts.REASON)
def test_requests_and_answers_keep_the_contracts(
    switched: Switched, request: pytest.FixtureRequest
) -> None:
    keeps_the_contracts(switched.capture, request)
