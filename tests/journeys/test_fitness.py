"""A model is tried before it is registered: what would not be served is said with its cause, and what was
trained is kept."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest
from support import RECIPES, Json, Ran, Sandbox, amlwizard
from support.breadth import breadth
from support.journeys import Untrained
from support.trainings import runs

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("own_models")]
COMPLETE = "mlflow==2.22.5\\nscikit-learn==1.9.1"


@pytest.fixture(scope="module")
def cloud(untrained: Untrained) -> Sandbox:
    return untrained.sandbox


@pytest.fixture(scope="module")
def trained(cloud: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Train by a notebook beside the recipe, and go on until the model is registered."""
    folder = tmp_path_factory.mktemp("trained")
    recipe = folder / "recipe.yaml"
    recipe.write_text((RECIPES / "quickstart.yaml").read_text())

    def replay(notebook: str = "", *options: str) -> Ran:
        chosen: tuple[str, ...] = ()
        if notebook:
            (folder / "own.py").write_text(dedent(notebook))
            chosen = (
                "--set", "training.notebook=own.py", "--set", "training.parameters={}",
                "--set", "expect.metrics={}", "--set", "expect.predictions=null",
                "--set", "names.deployment=fitness",  # which nobody deploys
            )  # fmt: skip
        return amlwizard(
            "replay", str(recipe), "--target", "sandbox", "--until", "register", *chosen, *options,
            "--json", AMLWIZARD_HOME=str(folder / "home"), **cloud.environment,
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


GOOD = model("given['a'].tolist()", **SIGNED, **PINNED)


@pytest.fixture(scope="module")
def served(trained: Callable[..., Ran]) -> Ran:
    """A training whose model passes."""
    return trained(GOOD, *ASKED)


def test_the_environment_is_completed_and_what_came_out_is_kept(
    served: Ran, trained: Callable[..., Ran]
) -> None:
    assert served.code == 0, served.err
    found = served.final("fit-to-serve")["outputs"]
    assert "azureml-inference-server-http>=1.4 is added" in found["changed"]
    assert found["answer"].strip() == "[1.0]" and found["path"].startswith("model-served-")
    again = trained(GOOD, *ASKED)
    assert again.that_are("kept") >= {"train", "fit-to-serve", "register"}


def test_another_request_is_tried_anew_with_the_training_kept(
    served: Ran, trained: Callable[..., Ran], cloud: Sandbox
) -> None:
    before = runs(cloud)
    other = '{"input_data": {"columns": ["a"], "data": [[1]]}}'
    error = error_of(trained(GOOD, "--set", f"scoring.request={other}"))
    assert "The scoring request does not fit the model" in error["what"], error
    assert "takes a, b" in error["fix"]
    assert runs(cloud) == before


def test_what_only_an_image_has_is_not_tried_and_that_is_said(
    trained: Callable[..., Ran], cloud: Sandbox
) -> None:
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
    before = runs(cloud)
    error = error_of(trained(notebook, *ASKED))
    assert "needs the module mylib" in error["what"], "what was not tried is tried now"
    assert "code_paths" in error["fix"] and runs(cloud) == before


def test_what_cannot_be_installed_is_said_and_the_training_kept(
    trained: Callable[..., Ran], cloud: Sandbox
) -> None:
    notebook = model(**SIGNED, pip_requirements="['mlflow', 'nothing-such==1.0']")
    error = error_of(trained(notebook, *ASKED))
    assert "requirement nothing-such==1.0 cannot be installed" in error["what"], error
    assert "code_paths" in error["fix"]
    before = runs(cloud)
    error_of(trained(notebook, *ASKED))
    assert runs(cloud) == before


@pytest.mark.parametrize(
    ("notebook", "what", "fix"),
    [
        (model(**SIGNED, pip_requirements="['mlflow', 'flask<3']"),
         "allow no inference server from 1.4 on", "flask<3"),
        breadth(model(signature="ModelSignature(Schema([ColSpec('double', 'a')]), Schema([ColSpec('datetime', 't')]))",
               **PINNED), "answers times", "serving.script"),
        breadth(SPARK, "A Spark model needs Java", "openjdk=17"),
    ],
    ids=["an old server", "times", "Spark without Java"],
)  # fmt: skip
def test_what_would_not_be_served_is_said(
    trained: Callable[..., Ran], notebook: str, what: str, fix: str
) -> None:
    error = error_of(trained(notebook, *ASKED))
    assert what in error["what"] and fix in error["fix"], error
