"""Notebooks that log as MLflow 3 has it, for a recipe that pins it: by its own client against a tracking
server that answers 404 to `logged-models`, as Azure's does. `make test-mlflow3` installs it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from support import RECIPES, Ran, environment

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("mlflow3"),
    pytest.mark.skipif(not version("mlflow").startswith("3."), reason="MLflow 3 is not installed"),
]

FIT = """# Databricks notebook source
import mlflow
import pandas as pd
from sklearn.linear_model import LinearRegression

x, y = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]}), [1.0, 3.0, 5.0, 7.0]
"""
NOTEBOOKS = {
    "by name": """
model = LinearRegression().fit(x, y)
mlflow.log_metric("r2", model.score(x, y))
mlflow.sklearn.log_model(model, name="model", input_example=x)
""",
    "by the name of MLflow 2": """
model = LinearRegression().fit(x, y)
with mlflow.start_run():
    mlflow.log_metric("r2", model.score(x, y))
    mlflow.sklearn.log_model(model, artifact_path="model", input_example=x)
""",
    "by autolog": """
mlflow.autolog(log_input_examples=True)
model = LinearRegression().fit(x, y)
mlflow.log_metric("r2", model.score(x, y))
""",
    "a pyfunc with its step": """
class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * value + 1 for value in model_input["a"]]

mlflow.log_metric("r2", 1.0)
mlflow.pyfunc.log_model(name="model", python_model=Doubled(), input_example=x, step=3)
""",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform without a model, in the sandbox that replays start. Its processes are new ones: MLflow 3
    starts threads when it is imported, which a fork would lose."""
    folder = tmp_path_factory.mktemp("built")
    built = replayed(recipe_of(folder, None), folder / "home", "--until", "provision")
    assert built.code == 0, built.err
    return folder / "home"


def replayed(recipe: Path, home: Path, *options: str) -> Ran:
    ran = subprocess.run(
        [
            sys.executable, "-m", "amlwizard", "replay", str(recipe), "--target", "sandbox", "--json",
            "--clock", "instant", *options,
        ],
        env=environment({"AMLWIZARD_HOME": str(home)}), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def recipe_of(folder: Path, cell: str | None) -> Path:
    """A recipe with MLflow 3; without `cell` its notebook is the example."""
    given = yaml.safe_load((RECIPES / "quickstart.yaml").read_text())
    given["training"]["mlflow"] = version("mlflow")
    if cell:
        (folder / "own.py").write_text(FIT + cell)
        given["training"] |= {"parameters": {}, "notebook": "own.py"}
        given["scoring"] = {"request": {"input_data": [{"a": 4.0}]}}
        given["expect"] = {"metrics": {"r2": {"at_least": 0.99}}, "predictions": [9.0]}
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(given))
    return path


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_model_that_is_logged_as_in_mlflow_3_is_in_the_run(
    home: Path, tmp_path: Path, name: str
) -> None:
    recipe = recipe_of(tmp_path, NOTEBOOKS[name])
    ran = replayed(recipe, home, "--until", "register")
    assert ran.code == 0, ran.err
    assert "[9.0" in ran.final("fit-to-serve")["outputs"]["answer"]


@pytest.mark.parametrize("cell", [None, NOTEBOOKS["by name"]], ids=["example", "own"])
def test_a_model_of_mlflow_3_is_served_and_asked(
    home: Path, tmp_path: Path, cell: str | None
) -> None:
    ran = replayed(recipe_of(tmp_path, cell), home)
    assert ran.code == 0, ran.err
    assert ran.final("score")["outcome"] == "done"
