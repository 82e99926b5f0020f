"""The container of a no-code deployment: Microsoft's inference server, behind it an entry script of
our own that takes and refuses what Microsoft's does.

`AMLWIZARD_SCORING_SCRIPT` names Microsoft's, `mlflow_score_script.py` of Azure/azureml-assets: then all
this holds of that one, which shows that what is expected here is what Azure does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.breadth import narrowed
from support.containers import (
    NEEDED,
    SERVER,
    Container,
    container,
    frame,
    predictions,
    pyfunc_model,
    sklearn_model,
    split,
)

from amlwizard.serving.unfit import explained

pytestmark = pytest.mark.xdist_group("containers")

SCRIPT = [Path(given)] if (given := os.environ.get("AMLWIZARD_SCORING_SCRIPT")) else []
FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A model with named columns, as the training notebook saves it."""
    folder = tmp_path_factory.mktemp("named")
    model = sklearn_model(folder, frame(), input_example=frame().head(2))
    with container(model, folder, *SCRIPT) as started:
        yield started


@pytest.mark.parametrize(
    "given",
    [
        split(["a", "b"], [1.0, 1], [2.0, 0], index=[0, 1]),
        split(["a", "b"], [1.0, 1], [2.0, 0]),
        split(["b", "a"], [1, 1.0], [0, 2.0], index=[0, 1]),
        split(["a", "b", "c"], [1.0, 1, 9], [2.0, 0, 9], index=[0, 1]),
        split(["a", "b"], ["1", "1"], ["2", "0"], index=[0, 1]),
    ],
    ids=["columns, index and data", "no index", "another order", "one more", "numbers as text"],
)
def test_named_columns_are_taken_by_name(named: Container, given: Any) -> None:
    status, body = named.score(given)
    assert (status, body) == (200, pytest.approx(predictions()))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([[1.0, 1]], "AttributeError: 'list' object has no attribute 'items'"),
        ([{"a": 1.0, "b": 1}], "AttributeError: 'list' object has no attribute 'items'"),
        ({"a": [1.0], "b": [1]}, "JSON data had unexpected key(s)"),
        ({"a": 1.0, "b": 1}, "JSON data had unexpected key(s)"),
        (split(["a"], [1.0], index=[0]), "Model is missing inputs ['b']"),
        (split(["a", "b"], [1.0, None], index=[0]), "IntCastingNaNError"),
        (split(["a", "b"], ["x", 1], index=[0]), "could not convert string to float"),
    ],
    ids=["rows", "records", "columns alone", "one record", "one missing", "null", "text"],
)
def test_what_it_does_not_take_is_500_and_the_log_says_why(
    named: Container, given: Any, reason: str
) -> None:
    status, headers, body = named.ask("/score", {"input_data": given})
    assert (status, body) == (500, {"message": FAILED})
    assert headers["x-ms-run-function-failed"] == "True" and headers["x-request-id"]
    assert reason in named.exception


@pytest.mark.parametrize("key", ["data", "inputs", "dataframe_split"])
def test_without_input_data_it_is_400(named: Container, key: str) -> None:
    status, _, body = named.ask("/score", {key: [[1.0, 1]]})
    message = "A value is not provided for the 'input_data' parameter."
    assert (status, body) == (400, {"message": message})


def test_what_is_no_json_is_refused_by_the_server(named: Container) -> None:
    assert named.ask("/score", "{nope")[0] == 400
    assert named.ask("/score", "{}", **{"content-type": "text/plain"})[0] == 415
    assert named.ask("/nothing")[0] == 404


def test_health_and_swagger(named: Container) -> None:
    assert named.ask("/")[::2] == (200, "Healthy")
    status, _, body = named.ask("/swagger.json")
    assert status == 404 and "[2] is not supported" in body["message"], "doubles beside integers"
    _, _, swagger = named.ask("/swagger.json", query="version=3")
    told = swagger["components"]["schemas"]["ServiceInput"]["properties"]["input_data"]
    assert set(told["properties"]) == {"columns", "index", "data"}


def test_a_tensor_signature_takes_rows_and_no_columns(tmp_path: Path) -> None:
    with container(sklearn_model(tmp_path, frame().to_numpy()), tmp_path, *SCRIPT) as tensor:
        assert tensor.score([[1.0, 1.0]])[0] == 200
        assert tensor.score(split(["a", "b"], [1.0, 1], index=[0]))[0] == 500
        assert "expected an array of items" in tensor.exception


def test_named_tensors_are_arrays_by_name(tmp_path: Path) -> None:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

    signature = ModelSignature(Schema([TensorSpec(np.dtype("float64"), (-1, 2), "x")]))
    model = pyfunc_model(tmp_path, lambda given: given["x"].sum(axis=1), signature=signature)
    with container(model, tmp_path, *SCRIPT) as tensors:
        assert tensors.score({"x": [[1.0, 2.0]]}) == (200, [3.0])
        assert tensors.score([[1.0, 2.0]])[0] == 500


def test_without_signature_what_comes_is_looked_at(tmp_path: Path) -> None:
    model = sklearn_model(tmp_path, frame(), signature=None)
    with container(model, tmp_path, *SCRIPT) as unsigned:
        assert unsigned.score(split(["a", "b"], [1.0, 1], index=[0]))[0] == 200
        assert unsigned.score(split(["a", "b"], [1.0, 1]))[0] == 500, "an index is needed there"
        assert unsigned.score([[1.0, 1]])[0] == 200, "by position"
        assert unsigned.score(split(["b", "a"], [1, 1.0], index=[0]))[0] == 500
        assert "infer_signature" in explained("answer", unsigned.exception)[1]


def columns(*types: Any) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    return ModelSignature(
        Schema([ColSpec(one, name) for one, name in zip(types, "ab", strict=False)])
    )


def nested() -> Any:
    from mlflow.types.schema import Array, DataType

    return columns(Array(DataType.double))


def times() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    two = Schema([ColSpec("double", "a"), ColSpec("long", "b")])
    return ModelSignature(two, Schema([ColSpec("datetime", "t")]))


OLD = "azureml-inference-server-http==1.3.4"
BROKEN: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "times are answered": (lambda: {"signature": times()}, "KeyError: 'properties'"),
    "an example of scalars": (lambda: {"input_example": {"a": 1.0}}, "must provide a sample Numpy array"),
    # Microsoft's stumbles over a variable of its own, ours says that it is the type.
    "lists in a signature alone": (lambda: {"signature": nested()}, "Error"),
    "no monitoring": (lambda: {"pip_requirements": [*NEEDED[:2], SERVER[1]]}, "No module named 'azureml"),
    "no server": (
        lambda: {"pip_requirements": NEEDED[:3]}, "No module named 'azureml_inference_server_http'"
    ),
    "an old server": (
        lambda: {"pip_requirements": [*NEEDED[:3], OLD]}, "No module named 'azureml.contrib'"
    ),
    "a package that brings an old server": (
        lambda: {"pip_requirements": [*NEEDED, "flask<3"]}, "No module named 'azureml.contrib'"
    ),
}  # fmt: skip


# The same ends of the script as in test_parsers; that a container ends so shows the first.
OF_THE_SCRIPT = ("an example of scalars", "lists in a signature alone")


@pytest.mark.parametrize("name", narrowed(BROKEN, *(BROKEN.keys() - OF_THE_SCRIPT)))
def test_a_model_that_does_not_boot_says_why_in_its_log_only(tmp_path: Path, name: str) -> None:
    options, reason = BROKEN[name]
    model = pyfunc_model(tmp_path, lambda given: [1.0], **options())
    with container(model, tmp_path, *SCRIPT) as broken:
        assert not broken.ready
        assert reason in broken.exception


def test_mlflow_skinny_has_too_little(tmp_path: Path) -> None:
    """The server and azureml-ai-monitoring bring pandas along, but nothing brings SciPy."""
    needed = [f"mlflow-skinny=={version('mlflow')}", *SERVER]
    model = pyfunc_model(
        tmp_path, lambda given: [1.0], signature=columns("double"), pip_requirements=needed
    )
    with container(model, tmp_path, *SCRIPT, anew=True) as broken:
        assert not broken.ready and "No module named 'scipy'" in broken.exception


def test_java_is_there_where_the_environment_brings_it(tmp_path: Path) -> None:
    """As a Spark model's session needs it: the images of Azure have none."""
    import mlflow

    class Looking(mlflow.pyfunc.PythonModel):
        def load_context(self, context: Any) -> None:
            import shutil

            if shutil.which("java") is None:
                raise RuntimeError("no Java")

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return [1.0]

    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\n")
    java.chmod(0o700)
    model = tmp_path / "model"
    mlflow.pyfunc.save_model(str(model), python_model=Looking(), pip_requirements=NEEDED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{java.parent}{os.pathsep}{os.environ['PATH']}")
        with container(model, tmp_path, *SCRIPT) as without:
            assert not without.ready and "no Java" in without.exception
        conda = model / "conda.yaml"
        environment = yaml.safe_load(conda.read_text())
        environment["dependencies"].insert(0, "openjdk=17")
        conda.write_text(yaml.safe_dump(environment))
        with container(model, tmp_path, *SCRIPT) as brought:
            assert brought.ready, brought.log.read_text()
