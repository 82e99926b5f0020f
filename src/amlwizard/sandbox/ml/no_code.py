"""The entry script of a no-code deployment of an MLflow model: what the inference server calls.

Behaves like Azure's: the parser of `input_data` is chosen when the server starts, from the model's
input example, else from its signature. A DataFrame is parsed as pandas `split`, an array with NumPy,
a dictionary as one array per name; without either, the parser depends on the request. An invalid
model ends the server, an invalid request raises in `run`. Flavors of language models are not
supported.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import azureml.ai.monitoring  # noqa: F401 - imported there whether data is collected or not
import mlflow.pyfunc
import numpy as np
import pandas as pd
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.pyfunc.scoring_server import _get_jsonable_obj
from mlflow.types.schema import DataType, ParamSchema, Schema, TensorSpec
from mlflow.types.utils import _infer_schema

FOLDER = Path(os.environ["AZUREML_MODEL_DIR"]) / os.environ["MLFLOW_MODEL_FOLDER"]
SPLIT = {"columns", "index", "data"}
OF_TYPE = {
    DataType.boolean: True,
    DataType.string: "sample string",
    DataType.integer: 42,
    DataType.long: 42,
    DataType.float: 0.15,
    DataType.double: 0.15,
}
log = logging.getLogger(__name__)


class AnyInput(AbstractParameterType):
    """No sample, no parsing."""

    def __init__(self) -> None:
        super().__init__(None)

    def deserialize_input(self, input_data: object) -> object:
        return input_data

    def input_to_swagger(self) -> dict[str, object]:
        return {"type": "object", "example": {}}


def _of_example(model: Model) -> object:
    """The model's input example; None if there is none that can be read."""
    about = model.saved_input_example_info
    if not about:
        return None
    try:
        given = json.loads((FOLDER / about["artifact_path"]).read_text())
        if about["type"] == "dataframe":
            orient = "split" if "columns" in given else "values"
            return pd.read_json(json.dumps(given), orient=orient, dtype=False)
        if about["type"] != "ndarray":
            return given
        inputs = given["inputs"]
        if isinstance(inputs, dict):
            return {name: np.asarray(value) for name, value in inputs.items()}
        return np.asarray(inputs)
    except Exception as error:  # noqa: BLE001 - as the script that it stands for
        log.warning("The input example cannot be read: %s", error)
        return None


def _tensors(schema: Schema) -> object:
    """Zeros of the required shape, with a batch size of one."""

    def zeros(spec: TensorSpec) -> object:
        first, *rest = spec.shape or (0,)
        shape = (1 if first == -1 else first, *rest) if spec.shape else spec.shape
        return np.zeros(tuple(shape), dtype=spec.type)

    if schema.has_input_names():
        return {spec.name: zeros(spec) for spec in schema.inputs}
    return zeros(schema.inputs[0])


def _columns(schema: Schema) -> object:
    names = schema.input_names()
    return pd.DataFrame(columns=names).astype(dict(zip(names, schema.pandas_types(), strict=False)))


def _sample(schema: Schema) -> object:
    if schema.is_tensor_spec():
        return _tensors(schema)
    try:
        return _columns(schema)
    except Exception as error:  # noqa: BLE001 - as the script that it stands for
        log.warning("The signature makes no DataFrame: %s", error)
    odd = [str(spec.type) for spec in schema.inputs if not isinstance(spec.type, DataType)]
    if odd:
        raise TypeError(f"there is no sample input of the type {odd[0]}")
    return {spec.name: OF_TYPE[spec.type] for spec in schema.inputs}


def _of_params(schema: ParamSchema) -> dict[str, object]:
    given = ((p.name, p.default, OF_TYPE.get(p.dtype)) for p in schema.params)
    return {name: other if default is None else default for name, default, other in given}


def _samples(model: Model) -> tuple[object, object, dict[str, object] | None]:
    """Samples of input, output and parameters; None where unknown."""
    given, signature = _of_example(model), model.signature
    if signature is None:
        return given, None, None
    assert signature.inputs.inputs, "a signature without inputs"
    outputs, params = signature.outputs, signature.params
    if given is None:
        given = _sample(signature.inputs)
    answered = (_tensors if outputs.is_tensor_spec() else _columns)(outputs) if outputs else None
    return given, answered, _of_params(params) if params else None


def _named_arrays(sample: dict[str, object]) -> StandardPythonParameterType:
    arrays = {name: NumpyParameterType(v, enforce_shape=False) for name, v in sample.items()}
    return StandardPythonParameterType(arrays)


def _parser(sample: object, orient: str) -> AbstractParameterType:
    if isinstance(sample, np.ndarray):
        return NumpyParameterType(sample, enforce_shape=False)
    if isinstance(sample, pd.DataFrame):
        return PandasParameterType(sample, enforce_shape=False, orient=orient)
    return _named_arrays(sample) if isinstance(sample, dict) else AnyInput()


def _inferred(sample: object) -> None:
    """Azure lets MLflow infer a schema and tolerates its failure, but not other errors."""
    try:
        _infer_schema(sample)
    except MlflowException:
        log.info("MLflow infers no schema")


about = Model.load(str(FOLDER))
sample_input, sample_output, sample_params = _samples(about)
if sample_input is not None:
    _inferred(sample_input)
taken = _parser(sample_input, "split")
told = _parser(sample_output, "records")
params_taken = AnyInput() if sample_params is None else StandardPythonParameterType(sample_params)
model = mlflow.pyfunc.load_model(str(FOLDER))


def init() -> None:
    pass


@input_schema("input_data", taken)  # type: ignore[untyped-decorator]
@input_schema("params", params_taken, optional=True)  # type: ignore[untyped-decorator]
@output_schema(told)  # type: ignore[untyped-decorator]
def run(input_data: object, params: object = None) -> object:
    parsed = input_data if _is_parsed(input_data) else _looked_at(input_data)
    return _get_jsonable_obj(model.predict(parsed, params=params), pandas_orient="records")


def _is_parsed(given: object) -> bool:
    if isinstance(given, dict) and given:
        return isinstance(next(iter(given.values())), np.ndarray)
    return isinstance(given, (np.ndarray, pd.DataFrame))


def _looked_at(given: object) -> object:
    """Unparsed input: rows become an array, columns with index and data a DataFrame, anything else
    one array per name."""
    content: Any = json.loads(given) if isinstance(given, str) else given
    if "input_data" in content:
        content = content["input_data"]
    if isinstance(content, list):
        return np.asarray(content)
    if isinstance(content, dict) and content.keys() >= SPLIT:
        return pd.read_json(json.dumps(content), orient="split", dtype=False)
    return {name: np.asarray(value) for name, value in content.items()}
