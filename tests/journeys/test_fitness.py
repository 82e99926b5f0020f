"""A model is tried before it is registered: what would not be served is said with its cause, and what was
trained is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from support import RECIPES, Json, Ran, Sandbox, amlwizard, running
from support.breadth import breadth
from support.trainings import runs

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("fitness")]
COMPLETE = "mlflow==2.22.5\\nscikit-learn==1.9.1"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        built = amlwizard(
            "replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--until", "provision",
            "--json", AMLWIZARD_HOME=str(tmp_path_factory.mktemp("home")), **sandbox.environment,
        )  # fmt: skip
        assert built.code == 0, built.err
        yield sandbox


@pytest.fixture
def trained(cloud: Sandbox, tmp_path: Path) -> Callable[..., Ran]:
    """Train by a notebook beside the recipe, and go on until the model is registered."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((RECIPES / "quickstart.yaml").read_text())

    def replay(notebook: str = "", *options: str) -> Ran:
        chosen: tuple[str, ...] = ()
        if notebook:
            (tmp_path / "own.py").write_text(dedent(notebook))
            chosen = (
                "--set", "training.notebook=own.py", "--set", "training.parameters={}",
                "--set", "expect.metrics={}", "--set", "expect.predictions=null",
            )  # fmt: skip
        return amlwizard(
            "replay", str(recipe), "--target", "sandbox", "--until", "register", *chosen, *options,
            "--json", AMLWIZARD_HOME=str(tmp_path / "home"), **cloud.environment,
        )  # fmt: skip

    return replay


def model(answer: str = "[1.0] * len(given)", **log: str) -> str:
    """A notebook that logs a pyfunc; what `log` gives are arguments in Python."""
    options = ", ".join(f"{name}={value}" for name, value in log.items())
    return f"""
        import mlflow, pandas as pd
        from mlflow.models import infer_signature, ModelSignature
        from mlflow.types.schema import ColSpec, Schema
        frame = pd.DataFrame({{"a": [1.0, 2.0], "b": [3.0, 4.0]}})

        class Own(mlflow.pyfunc.PythonModel):
            def predict(self, context, given, params=None):
                return {answer}

        mlflow.pyfunc.log_model("model", python_model=Own(), {options})
        """


SPARK = """
    import mlflow, pathlib, yaml

    folder = pathlib.Path("of_spark")
    (folder / "sparkml").mkdir(parents=True, exist_ok=True)
    flavors = {
        "spark": {"model_data": "sparkml", "pyspark_version": "3.5.9", "model_class": "pyspark.ml.pipeline.PipelineModel"},
        "python_function": {"loader_module": "mlflow.spark", "data": "sparkml", "python_version": "3.11.7", "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors, "mlflow_version": "2.22.5"}))
    needed = ["mlflow==2.22.5", "pyspark==3.5.9"]
    conda = {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": ["python=3.11.7", {"pip": needed}]}
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda))
    (folder / "requirements.txt").write_text("\\n".join(needed))
    mlflow.log_artifacts(str(folder), "model")
    """
"""A notebook that logs what `mlflow.spark.log_model` writes, without Spark."""
SIGNED = {"signature": "infer_signature(frame)"}
PINNED = {"pip_requirements": "['mlflow==2.22.5', 'pandas']"}
ASKED = ("--set", 'scoring.request={"input_data": {"columns": ["a", "b"], "data": [[1, 2]]}}')


def error_of(ran: Ran) -> Json:
    assert ran.code == 1, ran.err
    return ran.final("fit-to-serve")


def test_the_environment_is_completed_and_what_came_out_is_kept(
    trained: Callable[..., Ran], cloud: Sandbox
) -> None:
    notebook = model("given['a'].tolist()", **SIGNED, **PINNED)
    first = trained(notebook, *ASKED)
    assert first.code == 0, first.err
    found = first.final("fit-to-serve")["outputs"]
    assert "azureml-inference-server-http>=1.4 is added" in found["changed"]
    assert found["answer"].strip() == "[1.0]" and found["path"].startswith("model-served-")
    again = trained(notebook, *ASKED)
    assert again.that_are("kept") >= {"train", "fit-to-serve", "register"}


def test_what_only_an_image_has_is_not_tried_and_that_is_said(trained: Callable[..., Ran]) -> None:
    """The cluster runs no image: the model needs a package that nothing but the image installs."""
    image = "mine.azurecr.io/score:1"
    notebook = model("__import__('mylib').answer(given)", **SIGNED, **PINNED)
    ran = trained(notebook, *ASKED, "--set", f"serving.environment={image}")
    assert ran.code == 0, ran.err
    found = ran.final("fit-to-serve")["outputs"]
    assert (found["answer"], found["unchecked"]) == ("", [image])
    told = [e["message"] for e in ran.of("step-progress") if e["step"] == "fit-to-serve"]
    assert f"not tried: only the image {image} has what the model needs" in told
    assert ran.that_are("done") >= {"train", "register"}
    tried = trained(notebook, *ASKED)
    assert "needs the module mylib" in error_of(tried)["what"], "what was not tried is tried now"


@pytest.mark.parametrize(
    ("notebook", "options", "what", "fix"),
    [
        (model(**SIGNED, pip_requirements="['mlflow', 'nothing-such==1.0']"), ASKED,
         "requirement nothing-such==1.0 cannot be installed", "code_paths"),
        (model(**SIGNED, pip_requirements="['mlflow', 'flask<3']"), ASKED,
         "allow no inference server from 1.4 on", "flask<3"),
        (model(**SIGNED, **PINNED),
         ("--set", 'scoring.request={"input_data": {"columns": ["a"], "data": [[1]]}}'),
         "The scoring request does not fit the model", "takes a, b"),
        (model("__import__('mylib').answer(given)", **SIGNED, **PINNED), ASKED,
         "needs the module mylib", "code_paths"),
        breadth(model(signature="ModelSignature(Schema([ColSpec('double', 'a')]), Schema([ColSpec('datetime', 't')]))",
               **PINNED), ASKED, "answers times", "serving.script"),
        breadth(SPARK, ASKED, "A Spark model needs Java", "openjdk=17"),
    ],
    ids=["a requirement", "an old server", "a request", "a module", "times", "Spark without Java"],
)  # fmt: skip
def test_what_would_not_be_served_is_said_and_the_training_kept(
    trained: Callable[..., Ran],
    cloud: Sandbox,
    notebook: str,
    options: tuple[str, ...],
    what: str,
    fix: str,
) -> None:
    error = error_of(trained(notebook, *options))
    assert what in error["what"] and fix in error["fix"], error
    before = runs(cloud)
    error_of(trained(notebook, *options))
    assert runs(cloud) == before
