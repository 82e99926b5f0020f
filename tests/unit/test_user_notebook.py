"""A notebook of one's own is read as its cells, and judged before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES, ROOT

from amlwizard import rules, user_notebook
from amlwizard.errors import Finding
from amlwizard.recipe import read
from amlwizard.user_notebook import parse, refused_in_standard_mode

LOGS = "\nmlflow.sklearn.log_model(model, 'model')\n"
SOURCE = """# Databricks notebook source
# MAGIC %md
# MAGIC # Load the data
# MAGIC Some words

# COMMAND ----------

dbutils.widgets.text("alpha", "0.1", "Strength")
dbutils.widgets.dropdown("kind", "l1", ["l1", "l2"])
rounds = parameters["rounds"]

# COMMAND ----------

# DBTITLE 1,Train it
import mlflow
mlflow.sklearn.log_model(model, "model")

# COMMAND ----------

# Look at it
print(model)
"""


def jupyter(*cells: str, language: str = "python") -> bytes:
    body = {
        "cells": [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells],
        "metadata": {"language_info": {"name": language}},
    }
    return json.dumps(body).encode()


def test_databricks_source_is_read_as_its_cells_with_their_lines() -> None:
    notebook = parse("train.py", SOURCE.encode())
    assert not notebook.problems
    assert [cell.title for cell in notebook.cells] == ["Load the data", "Train it", "Look at it"]
    lines = SOURCE.splitlines()
    for cell in notebook.cells:
        first = cell.source.splitlines()[0]
        assert lines[cell.line - 1] == first


def test_parameters_are_found_with_their_defaults() -> None:
    found = parse("train.py", SOURCE.encode()).parameters
    assert found == {"alpha": "0.1", "kind": "l1", "rounds": None}


def test_a_plain_file_is_one_cell_and_jupyter_is_read_cell_by_cell() -> None:
    assert [c.source for c in parse("a.py", b"import mlflow\nmlflow.autolog()").cells] == [
        "import mlflow\nmlflow.autolog()"
    ]
    notebook = parse("a.ipynb", jupyter("%matplotlib inline\nx = 1", "# Fit\nmlflow.autolog()"))
    assert [cell.title for cell in notebook.cells] == ["x = 1", "Fit"]
    assert not notebook.problems


def test_the_example_is_such_a_notebook() -> None:
    example = user_notebook.read(None)
    assert not example.problems
    assert example.parameters == {"alpha": "0.03", "test_size": "0.2", "random_state": "0"}
    assert "amlwizard" not in user_notebook.content_of(None).decode()


BAD = {
    "a syntax error": ("t.py", b"x = 1\ndef f(:\n", "line 2", "invalid syntax"),
    "one in a later cell": ("t.py", b"x = 1\n# COMMAND ----------\n\ny = (\n", "line 4", "never closed"),
    "one of Jupyter": ("t.ipynb", jupyter("x = 1", "y ="), "cell 2, line 1", "invalid syntax"),
    "an installation": ("t.py", b"# MAGIC %pip install xgboost\n", "installs packages", "requirements"),
    "one in a cell": ("t.ipynb", jupyter("!pip install xgboost\nx = 1"), "installs packages", "pinned"),
    "SQL": ("t.py", b"# MAGIC %sql\n# MAGIC select 1\n", "is not valid Python", "spark.sql"),
    "R": ("t.ipynb", jupyter("x <- 1", language="R"), "is written in R", ""),
    "no notebook": ("t.ipynb", b"{}", "is not a Jupyter notebook", ""),
    "half a notebook": ("t.ipynb", jupyter("x = 1")[:-9], "is not a Jupyter notebook", ""),
    "bytes": ("t.py", b"\xff\xfe", "is not UTF-8 text", ""),
    "nothing": ("t.py", b"\n\n", "has no cells of Python", ""),
    "another file": ("t.scala", b"x", "is neither a .py nor an .ipynb file", ""),
    "another tracking server": (
        "t.py", b"x = 1\nmlflow.set_tracking_uri('databricks')" + LOGS.encode(), "line 2",
        "signed in to the workspace already",
    ),
    "one in the environment": (
        "t.py", b"os.environ['MLFLOW_TRACKING_URI'] = 'x'" + LOGS.encode(), "line 1", "Leave it out",
    ),
    "our own package": ("t.py", b"import amlwizard.cloud" + LOGS.encode(), "imports amlwizard", ""),
    "no model": ("t.py", b"print(1)", "logs no model", "log_model"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_with_its_place(case: str) -> None:
    name, content, what, more = BAD[case]
    (problem,) = parse(name, content).problems
    assert what in problem.what and more in f"{problem.what} {problem.fix}"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_said_to_be_wrong(content: bytes) -> None:
    for name in ("a.py", "a.ipynb"):
        notebook = parse(name, content)
        assert notebook.problems or notebook.cells


def found(folder: Path, **training: str) -> list[Finding]:
    recipe = folder / "recipe.yaml"
    recipe.write_text((RECIPES / "quickstart.yaml").read_text())
    changes = {f"training.{name}": value for name, value in training.items()}
    reading = read(recipe, {"training.parameters": "{}", **changes})
    return [f for f in rules.findings_of(reading) if f.rule.startswith(("NB", "requirement"))]


def test_a_notebook_is_looked_for_beside_the_recipe(tmp_path: Path) -> None:
    (missing,) = found(tmp_path, notebook="train.py")
    assert missing.what == "train.py cannot be read." and str(tmp_path) in missing.fix
    (tmp_path / "train.py").write_text(SOURCE)
    (needs,) = found(tmp_path, notebook="train.py")
    assert needs.severity == "warning" and "rounds, which has no default" in needs.what
    assert not found(tmp_path, notebook="train.py", parameters="{rounds: 3}")


def test_a_parameter_that_is_misspelt_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SOURCE)
    findings = found(tmp_path, notebook="train.py", parameters="{rounds: 3, alhpa: 1}")
    assert [f.fix for f in findings] == [
        'Did you mean alpha? Set Parameters to {"rounds": 3, "alpha": 1}.'
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("rows.csv", "rows.csv cannot be read"),
        ("http://x.example/rows.csv", "not encrypted"),
        ("s3://bucket/rows", "not a path of Azure Data Lake"),
        ("https://x.blob.core.windows.net/c/rows.csv?sv=1&sig=abc", "signature, which is a secret"),
        ("main.default.rows", ""),
        ("/Volumes/main/default/rows", ""),
        ("abfss://c@x.dfs.core.windows.net/rows", ""),
    ],
)
def test_data_is_a_table_a_path_or_a_file(tmp_path: Path, data: str, said: str) -> None:
    (tmp_path / "train.py").write_text("x = parameters['data']" + LOGS)
    findings = [f for f in found(tmp_path, notebook="train.py", data=data) if "data" in f.fields[0]]
    assert [said in f.what for f in findings] == ([True] if said else [])


@pytest.mark.parametrize("line", ["xgboost", "xgboost>=3", "xgboost==", "-r other.txt", "a b==1"])
def test_a_requirement_is_pinned(tmp_path: Path, line: str) -> None:
    findings = found(tmp_path, requirements=f"['{line}']")
    assert findings and all("is not pinned" in finding.what for finding in findings)


def test_the_notebooks_of_the_tests_are_in_order() -> None:
    for path in (ROOT / "tests" / "notebooks").glob("*[.py,.ipynb]"):
        if path.suffix != ".csv":
            assert not user_notebook.read(path).problems, path


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("mlflow.log_metric('mse', 1.0)", False),
        ("mlflow.log_metrics({'mse': 1.0, 'r2': 2.0})", False),
        ("scores = {'mse': 1.0}\nmlflow.log_metrics(scores)", False),
        ("mlflow.sklearn.autolog()", False),
        ("mlflow.evaluate(model, rows)", False),
        ("mlflow.log_metric(f'{part}se', 1.0)", False),
        ("mlflow.log_metrics({'m' + part: 1.0})", False),
        ("mlflow.log_metrics(scores(model))", False),
        ("mlflow.log_metrics({**scores(model)})", False),
        ("print(1)", True),
        ("mlflow.log_metric('rmse', 1.0)", True),
        ("mlflow.log_metric(key='r2', value=1.0)", True),
        ("mlflow.log_metrics(metrics={'r2': 1.0})", True),
        ("scores = {'r2': 1.0}\nmlflow.log_metrics(scores)", True),
    ],
)
def test_a_metric_that_is_expected_and_not_logged_is_told_before_the_training(
    tmp_path: Path, source: str, said: bool
) -> None:
    (tmp_path / "train.py").write_text(source + LOGS)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((RECIPES / "quickstart.yaml").read_text())
    changes = {"training.parameters": "{}", "expect.metrics": "{mse: {value: 1.0}}"}
    reading = read(recipe, {"training.notebook": "train.py", **changes})
    told = [f for f in rules.findings_of(reading) if f.rule == "EX-2"]
    assert [(f.severity, f.fields) for f in told] == [("warning", ("expect.metrics.mse",))] * said
    assert all(f.cure == {"expect.metrics": None} for f in told)


def test_only_the_metric_that_is_not_logged_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("mlflow.log_metric('r2', 1.0)" + LOGS)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((RECIPES / "quickstart.yaml").read_text())
    reading = read(recipe, {
        "training.notebook": "train.py", "training.parameters": "{}",
        "expect.metrics": "{mse: {value: 1.0}, r2: {at_least: 0.5}}",
    })  # fmt: skip
    (told,) = (f for f in rules.findings_of(reading) if f.rule == "EX-2")
    assert told.cure == {"expect.metrics": {"r2": {"at_least": 0.5}}}
    assert told.fix.startswith("It logs r2. Set Metrics to")


REFUSED = {
    "sc.parallelize([1])": "sc",
    "SparkContext.getOrCreate()": "SparkContext",
    "spark.sparkContext.setLogLevel('WARN')": ".sparkContext",
    "rows.rdd.map(len)": ".rdd",
    "open('/dbfs/tmp/a')": "/dbfs",
    "open(f'/dbfs/{name}')": "/dbfs",
    "from pyspark.ml import Pipeline": "pyspark.ml",
    "import pyspark.ml.feature as f": "pyspark.ml.feature",
    "mlflow.spark.log_model(model, 'model')": "mlflow.spark.log_model",
    "mlflow.spark.log_model(model, 'model', dfs_tmpdir='/Volumes/a/b/c')": "",
    "sc = score(model)\nprint(sc)": "",
    "from pyspark.ml.connect.classification import LogisticRegression": "",
    "spark.table('a.b.c').toPandas()": "",
    "print('see /dbfs/')": "",
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_standard_access_mode_refuses_is_seen(code: str) -> None:
    notebook = parse("own.py", f"x = 1\n{code}\n".encode())
    found = [(line, word) for _, line, word in refused_in_standard_mode(notebook, spark_ml=False)]
    assert found == ([(2, REFUSED[code])] if REFUSED[code] else [])


def test_newer_runtimes_have_spark_ml_in_standard_access_mode() -> None:
    notebook = parse("own.py", b"from pyspark.ml import Pipeline\n")
    assert not [*refused_in_standard_mode(notebook, spark_ml=True)]
