"""Own notebooks, from a recipe to a scored request: real notebooks, libraries and servers."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import RECIPES, ROOT, Ran, Sandbox, amlwizard
from support.breadth import breadth, narrowed
from support.journeys import Untrained
from support.tui_support import walking, wizard
from support.walks import on_row, to_finish

from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.draft import from_file
from amlwizard.plan.outputs import SCORE
from amlwizard.recipe.sections import EXAMPLE_REQUEST

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("own_models")]
NOTEBOOKS = ROOT / "tests" / "notebooks"


@dataclass(frozen=True)
class OwnModel:
    """`training` and `expect` are sections of the recipe, `request` the one of scoring."""

    training: dict[str, Any]
    request: dict[str, Any] | None
    predictions: Any
    metrics: dict[str, dict[str, float]]


MODELS = {
    "a classifier of strings and gaps": OwnModel(
        {"notebook": "classifier.py", "data": "people.csv", "parameters": {"trees": 20}},
        {"input_data": [{"age": 22, "city": "Bern"}, {"age": None, "city": "Chur"}]},
        ["no", "yes"],
        {"accuracy": {"at_least": 0.9}},
    ),
    "boosted trees with autolog": OwnModel(
        {"notebook": "boosted.ipynb", "requirements": ["lightgbm==4.7.0"]},
        {"input_data": {"columns": ["a", "b"], "data": [[0.0, 0.0], [199.0, 3.0]]}},
        None,
        {"worst": {"at_most": 200}},
    ),
    "a pyfunc with params that gives records": OwnModel(
        {"notebook": "records.py"},
        {"input_data": [[0.5], [0.75]], "params": {"limit": 0.3}},
        [{"label": "high", "score": 0.5}, {"label": "high", "score": 0.75}],
        {"rows": {"value": 2}},
    ),
    "a tensor signature": OwnModel(
        {"notebook": "tensor.py"},
        {"input_data": [[1.0, 1.0]]},
        [3.0],
        {"r2": {"value": 1.0}},
    ),
    "own modules": OwnModel(
        {"notebook": "own_modules.py"}, {"input_data": [[4.0]]}, [8.0], {"rows": {"value": 2}}
    ),
}


@pytest.fixture
def cloud(untrained: Untrained) -> Sandbox:
    return untrained.sandbox


def recipe_of(folder: Path, model: OwnModel) -> Path:
    """A recipe for a model, with its files beside it."""
    for file in NOTEBOOKS.iterdir():
        shutil.copy(file, folder)
    given = yaml.safe_load((RECIPES / "quickstart.yaml").read_text())
    given["training"] |= {"parameters": {}, **model.training}
    given["scoring"] = {"request": model.request} if model.request else {}
    given["expect"] = {"metrics": model.metrics}
    if model.predictions is not None:
        given["expect"]["predictions"] = model.predictions
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(given))
    return path


def replayed(cloud: Sandbox, recipe: Path, home: Path, *options: str) -> Ran:
    return amlwizard(
        "replay", str(recipe), "--target", "sandbox", "--json", *options,
        AMLWIZARD_HOME=str(home), **cloud.environment,
    )  # fmt: skip


DEPLOYED = "a classifier of strings and gaps"
OWN_MODULES = "own modules"
OTHERS = [name for name in MODELS if name not in (DEPLOYED, OWN_MODULES)]


def answers_on_the_cluster(ran: Ran, model: OwnModel) -> None:
    """By the server and the request of its endpoint, before it is registered."""
    assert ran.code == 0, ran.err
    answer = json.loads(ran.final("fit-to-serve")["outputs"]["answer"])
    assert answer and model.predictions in (None, answer)


@pytest.mark.parametrize("name", narrowed(OTHERS, "boosted trees with autolog"))
def test_an_own_model_is_trained_and_answers_on_the_cluster(
    cloud: Sandbox, tmp_path: Path, name: str
) -> None:
    model = MODELS[name]
    ran = replayed(cloud, recipe_of(tmp_path, model), tmp_path / "home", "--until", "register")
    answers_on_the_cluster(ran, model)


ENDED = "import mlflow\nmlflow.log_metric('first', 1)\nmlflow.end_run()\n"


@dataclass(frozen=True)
class Trained:
    """A model with own modules, registered, whose notebook has ended its run in the first cell."""

    folder: Path
    ran: Ran
    around: dict[str, str]

    def runs(self, *options: str) -> Ran:
        return amlwizard("runs", *options, **self.around)


@pytest.fixture(scope="module")
def trained(untrained: Untrained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    cloud, folder, model = (
        untrained.sandbox,
        tmp_path_factory.mktemp("trained"),
        MODELS[OWN_MODULES],
    )
    recipe = recipe_of(folder, model)
    file = folder / model.training["notebook"]
    file.write_text(f"{ENDED}# COMMAND ----------\n\n{file.read_text()}")
    ran = replayed(cloud, recipe, folder / "home", "--until", "register")
    return Trained(folder, ran, {"AMLWIZARD_HOME": str(folder / "home"), **cloud.environment})


def test_a_model_with_own_modules_answers_on_the_cluster(trained: Trained) -> None:
    answers_on_the_cluster(trained.ran, MODELS[OWN_MODULES])


def test_a_run_that_a_cell_has_ended_goes_on(trained: Trained) -> None:
    metrics = trained.ran.final("train")["outputs"]["metrics"]
    assert {"first": 1.0, "rows": 2.0}.items() <= metrics.items()


def test_the_run_keeps_its_notebook_beside_its_recipe(trained: Trained) -> None:
    name = MODELS[OWN_MODULES].training["notebook"]
    kept = trained.folder / "home" / "runs" / trained.ran.of("run-started")[0]["run"]
    assert (kept / name).read_text() == (trained.folder / name).read_text()
    assert yaml.safe_load((kept / "recipe.yaml").read_text())["training"]["notebook"] == name


def test_the_versions_of_a_model_are_told_from_the_workspace(trained: Trained) -> None:
    recipe = str(trained.folder / "own.yaml")
    told = trained.runs(recipe, "--target", "sandbox", "--json")
    versions = {found["version"]: found for found in json.loads(told.out)["versions"]}
    version = trained.ran.final("register")["outputs"]["version"]
    assert versions[version]["metrics"] == {"first": 1.0, "rows": 2.0}
    (run,) = json.loads(trained.runs("--json").out)["runs"]
    assert run["end"] == "done" and run["metrics"] == "first 1, rows 2"
    assert "first 1, rows 2" in trained.runs().out
    without = trained.runs(recipe)
    assert without.code == 2 and "--target azure" in without.err


@pytest.mark.parametrize("name", narrowed(MODELS, DEPLOYED))
def test_an_own_model_is_trained_served_and_asked(
    cloud: Sandbox, tmp_path: Path, name: str
) -> None:
    model = MODELS[name]
    ran = replayed(cloud, recipe_of(tmp_path, model), tmp_path / "home")
    assert ran.code == 0, ran.err
    predictions = ran.final("score")["outputs"]["predictions"]
    if model.predictions is not None:
        assert predictions == model.predictions
    assert predictions
    again = replayed(cloud, tmp_path / "own.yaml", tmp_path / "home", "--until", "train")
    assert again.final("train")["outcome"] == "kept"


@pytest.mark.breadth  # picked as in test_form, trained and served as without the app
async def test_a_notebook_is_picked_trained_served_and_asked_by_keys(
    cloud: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a recipe whose platform is there: the notebook is picked, the request is typed."""
    for name, value in {**cloud.environment, "AMLWIZARD_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    draft = from_file(recipe_of(tmp_path, OwnModel({}, EXAMPLE_REQUEST, None, {})))
    draft.page = "security"
    with Application(Choice(attended=True)) as one:
        async with walking(wizard(one, draft, tmp_path / "sessions")) as walk:
            await walk.press("ctrl+n")
            await walk.see(lambda: walk.page == "training")
            await on_row(walk, "training.notebook")
            await walk.press("right")
            await walk.see("opens or takes it")
            await walk.press("shift+tab")
            await walk.type("tensor.py")
            await walk.press("enter")
            await walk.see("1 import mlflow  line 1")
            await walk.press("ctrl+n")
            await walk.see(lambda: walk.page == "serving")
            await on_row(walk, "scoring.request")
            await walk.type('{"input_data": [[1.0, 1.0]]}')
            await walk.see(lambda: not walk.app.session.errors)
            await walk.press("ctrl+n")
            await walk.see("not compared with the cloud yet")
            await walk.press("g")
            await walk.see(lambda: walk.app.ran)
            await to_finish(walk)
            await walk.see("tensor.py")
            await walk.see("→ Endpoint")
            await walk.press("ctrl+p", "ctrl+p", "ctrl+p")
            await walk.see("r2 1")
    scored = walk.app.view.output(SCORE)
    assert scored and scored.predictions == [3.0]


NO_MODEL = "import mlflow\nmlflow.log_param('a', 1)\nprint('log_model comes later')\n"
CANARY = "canary-5f0c"
BAD = {
    "no model": (NO_MODEL, "has logged no model"),
    "two models": (
        "import mlflow\nfor name in ('one', 'two'):\n"
        "    mlflow.log_text('artifact_path: x', f'{name}/MLmodel')\n#log_model\n",
        "has logged 2 models: one, two",
    ),
    "another server": (
        "import mlflow\ngetattr(mlflow, 'set_tracking_' + 'uri')('http://127.0.0.1:9')\n",
        "tracking server",
    ),
    "a sign-in undone": (
        "import os, mlflow\nuri = mlflow.get_tracking_uri()\ndel os.environ['MLFLOW_TRACKING_TOKEN']\n"
        "try:\n    mlflow.MlflowClient(uri.replace('/workspaces/', '/workspaces/other-')).get_run('x')\n"
        "except Exception as error:\n    raise ValueError(str(error).split('\\t')[-1])  # log_model\n",
        "DeviceCodeCredential: Interactive authentication is required",
    ),
    "a sign-in of its own": (
        "from azure.identity import DeviceCodeCredential\n"
        "DeviceCodeCredential().get_token('https://storage.azure.com/.default')\n#log_model\n",
        "cell 1, line 2: AuthenticationRequiredError",
    ),
    "an exit": ("import sys\nsys.exit(0)\n", "ends the notebook by exit()"),
}  # fmt: skip


def bad(folder: Path, source: str) -> Path:
    """A recipe whose notebook has that source."""
    recipe = recipe_of(folder, OwnModel({"notebook": "bad.py"}, {"input_data": [[1]]}, None, {}))
    (folder / "bad.py").write_text(source)
    return recipe


@pytest.mark.parametrize("case", BAD)
def test_a_notebook_that_goes_wrong_names_its_cell_and_the_cause(
    untrained: Untrained, tmp_path: Path, case: str
) -> None:
    source, said = BAD[case]
    error = untrained.failure(bad(tmp_path, source))
    assert said in error.what and "bad.py" in error.what and error.fix
    assert ("nobody can answer" in error.why) is ("sign-in" in case)


def test_a_cell_that_asks_somebody_to_sign_in_ends_at_once(
    untrained: Untrained, tmp_path: Path
) -> None:
    """Nobody sees its device code: a cell's output comes when the cell has ended."""
    cloud = untrained.sandbox
    client, authority = "0f5c0000-0000-4000-8000-00000000ca11", cloud.description["authority"]
    cloud.fault("POST .*/token", holds=client, status=400, body={"error": "authorization_pending"})
    source = (
        "from azure.identity import DeviceCodeCredential\n"
        f"DeviceCodeCredential('{client}', authority='{authority}', disable_instance_discovery=True)"
        ".authenticate(scopes=['https://management.azure.com/.default'])\n#log_model\n"
    )
    error = untrained.failure(bad(tmp_path, source))
    cloud.clear()
    assert "Timed out waiting for user to authenticate" in error.what
    assert "nobody can answer" in error.why


TOKEN = "os.environ['MLFLOW_TRACKING_TOKEN']"


@dataclass(frozen=True)
class Failed:
    """A replay whose notebook logs metrics in two cells, prints its token, and raises it in a third."""

    home: Path
    ran: Ran


@pytest.fixture(scope="module")
def raising(untrained: Untrained, tmp_path_factory: pytest.TempPathFactory) -> Failed:
    folder = tmp_path_factory.mktemp("raising")
    source = (
        "import mlflow\nmlflow.log_metrics({'loss': 0.5, 'none': float('nan')})\nprint('a', end='')"
        "\n# COMMAND ----------\nmlflow.log_metric('loss', 0.25)\nimport os\n"
        f"print({TOKEN})"
        f"\n# COMMAND ----------\n\nraise ValueError({TOKEN})  # log_model\n"
    )
    home = folder / "home"
    return Failed(home, replayed(untrained.sandbox, bad(folder, source), home, "--until", "train"))


def test_a_cell_that_raises_is_named_with_the_line(raising: Failed) -> None:
    final = raising.ran.final("train")
    assert raising.ran.code == 1 and final["outcome"] == "failed"
    assert "bad.py" in final["what"] and "cell 3, line 10: ValueError" in final["what"]
    assert final["fix"]


def test_metrics_come_with_the_cell_that_logged_them(raising: Failed) -> None:
    progress = raising.ran.of("step-progress")
    results = [e["data"]["result"] for e in progress if e["data"].get("result")]
    assert results[-2:] == [{"metrics": {"loss": 0.5}}, {"metrics": {"loss": 0.25}}]


def test_a_token_that_a_notebook_prints_is_in_nothing_that_is_written(raising: Failed) -> None:
    assert "ValueError: [REDACTED]" in raising.ran.final("train")["what"]
    written = [raising.ran.out, raising.ran.err]
    written += [p.read_text(errors="replace") for p in raising.home.rglob("*") if p.is_file()]
    assert not any("eyJ" in text for text in written)


@pytest.mark.parametrize(
    ("data", "who"),
    [
        ("/Volumes/main/default/people.csv", "grants READ VOLUME"),
        breadth("dbfs:/Volumes/main/default/people.csv", "grants READ VOLUME"),
        ("dbfs:/FileStore/people.csv", "Put it into a volume"),
        breadth("abfss://rows@people.dfs.core.windows.net/people.csv", "private endpoint for dfs"),
        breadth("https://people.example.org/people.csv", "firewall of the Databricks subnets"),
        breadth("main.default.people", "grants SELECT"),
    ],
)
def test_data_that_the_cluster_cannot_read_says_who_allows_it(
    untrained: Untrained, tmp_path: Path, data: str, who: str
) -> None:
    model = OwnModel(
        {"notebook": "classifier.py", "data": data}, {"input_data": [[1, "a"]]}, None, {}
    )
    said = untrained.failure(recipe_of(tmp_path, model)).what
    assert f"the cluster cannot read {data}" in said and who in said


def test_a_bad_notebook_is_told_before_any_cloud_call(cloud: Sandbox, tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, OwnModel({"notebook": "bad.py"}, {"input_data": [[1]]}, None, {}))
    (tmp_path / "bad.py").write_text("x = 1\ndef broken(:\n")
    before = len(cloud.calls)
    ran = replayed(cloud, recipe, tmp_path / "home")
    assert ran.code == 2 and "bad.py, cell 1, line 2" in ran.err
    assert len(cloud.calls) == before
    assert json.dumps(ran.err)
