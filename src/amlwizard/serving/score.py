"""The scoring script of an MLflow model: what the inference server calls in the container.

Takes and returns what Azure's own script does for a model without one (`mlflow_score_script.py` of
Azure/azureml-assets), and starts with the same models. How `input_data` is parsed is chosen once, from
the model's input example, else from its signature: `columns`, `index` and `data` become a DataFrame, rows
an array, a dictionary an array per name; without either it depends on the request. `params` are optional.
What the parser or the signature refuses is answered 400 with the reason, which Azure's script answers
500 and leaves in the log. Flavors of language models are parsed as any other.
"""

import inspect
import json
import logging
import os
from io import StringIO
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
from azureml_inference_server_http.api.aml_response import AMLResponse
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.pyfunc.scoring_server import _get_jsonable_obj
from mlflow.types import DataType, ParamSchema, Schema

EXAMPLES = {
    "boolean": True, "string": "text", "integer": 42, "long": 42, "float": 0.15, "double": 0.15
}  # fmt: skip


class Unparsed(AbstractParameterType):
    """What has no sample is passed on as it is."""

    def __init__(self) -> None:
        super().__init__(None)

    def deserialize_input(self, input_data: object) -> object:
        return input_data

    def input_to_swagger(self) -> dict[str, object]:
        return {"type": "object", "example": {}}


class RefusedError(Exception):
    """What the request holds cannot be parsed."""


def arrays(given: object) -> object:
    if isinstance(given, dict):
        return {name: np.asarray(value) for name, value in given.items()}
    return np.asarray(given)


def of_example(model: Model, folder: Path) -> object:
    """The input example as it was saved; None without one, or where it cannot be read."""
    info = model.saved_input_example_info
    try:
        if not info:
            return None
        saved = json.loads((folder / info["artifact_path"]).read_text())
        if info["type"] not in ("dataframe", "ndarray"):
            return saved
        if info["type"] == "ndarray":
            return arrays(saved["inputs"])
        orient = "split" if "columns" in saved else "values"
        return pd.read_json(StringIO(json.dumps(saved)), orient=orient, dtype=False)
    except Exception as error:  # noqa: BLE001 - as Azure's script
        logging.warning("The input example cannot be read, the signature is used: %s", error)
        return None


def of_schema(schema: Schema) -> object:
    """A sample of a signature's inputs or outputs: an array, arrays by name, or a DataFrame."""
    if schema.is_tensor_spec():
        zeros = {part.name: np.zeros(one_row(part.shape), dtype=part.type) for part in schema}
        return zeros if schema.has_input_names() else zeros[None]
    names = schema.input_names()
    types = dict(zip(names, schema.pandas_types(), strict=True))
    return pd.DataFrame(columns=names).astype(types)


def one_row(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if n == 0 and size == -1 else size for n, size in enumerate(shape))


def of_inputs(schema: Schema) -> object:
    """As `of_schema`. Raises TypeError for columns of lists or objects, for which there is no sample."""
    try:
        return of_schema(schema)
    except Exception as error:
        if schema.is_tensor_spec():
            raise
        logging.warning("The signature makes no DataFrame: %s", error)
    if schema.inputs[0].name is None:
        return []
    odd = [f"{part.name}: {part.type}" for part in schema if not isinstance(part.type, DataType)]
    raise TypeError(f"no sample input can be made of the signature's {', '.join(odd)}")


def of_params(schema: ParamSchema) -> dict[str, object]:
    return {
        option.name: EXAMPLES.get(str(option.dtype)) if option.default is None else option.default
        for option in schema.params
    }


def parser(sample: object, orient: str) -> AbstractParameterType:
    if isinstance(sample, np.ndarray):
        return NumpyParameterType(sample, enforce_shape=False)
    if isinstance(sample, pd.DataFrame):
        return PandasParameterType(sample, enforce_shape=False, orient=orient)
    if isinstance(sample, dict):
        each = {k: NumpyParameterType(v, enforce_shape=False) for k, v in sample.items()}
        return StandardPythonParameterType(each)
    return Unparsed()


def telling(kind: AbstractParameterType) -> AbstractParameterType:
    """The parser, which gives `run` what it refuses as a value."""
    parse = kind.deserialize_input

    def parsed(given: object) -> object:
        try:
            return parse(given)
        except Exception as error:  # noqa: BLE001 - a parser raises anything
            return RefusedError(f"{type(error).__name__}: {error}")

    kind.deserialize_input = parsed
    return kind


def looked_at(given: object) -> object:
    """What a request holds for a model without sample."""
    given = json.loads(given) if isinstance(given, str) else given
    if isinstance(given, dict) and "input_data" in given:
        given = given["input_data"]
    if isinstance(given, dict) and given.keys() >= {"columns", "index", "data"}:
        return pd.read_json(StringIO(json.dumps(given)), orient="split", dtype=False)
    if isinstance(given, (dict, list)):
        return arrays(given)
    raise RefusedError(f"neither columns, index and data nor an array or arrays by name: {given!r}")


def is_parsed(given: object) -> bool:
    first = next(iter(given.values()), None) if isinstance(given, dict) else given
    return isinstance(first, np.ndarray) or isinstance(given, pd.DataFrame)


# The model may contain others: its own folder is the outermost.
files = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("MLmodel")
folder = min(files, key=lambda file: len(file.parts)).parent
about = Model.load(str(folder))
sample, answered, options = of_example(about, folder), None, None
if about.signature is not None:
    sample = of_inputs(about.signature.inputs) if sample is None else sample
    answered = of_schema(about.signature.outputs) if about.signature.outputs else None
    options = of_params(about.signature.params) if about.signature.params else None
taken = telling(parser(sample, "split"))
params_taken = telling(Unparsed() if options is None else StandardPythonParameterType(options))
model = mlflow.pyfunc.load_model(str(folder))
takes_params = "params" in inspect.signature(model.predict).parameters


def init() -> None:
    """Nothing is left to do: the model is loaded, since its parser depends on it."""


@input_schema("input_data", taken)  # type: ignore[untyped-decorator]
@input_schema("params", params_taken, optional=True)  # type: ignore[untyped-decorator]
@output_schema(parser(answered, "records"))  # type: ignore[untyped-decorator]
def run(input_data: object, params: object = None) -> object:
    """The model's answer to `input_data`, or the response that refuses it."""
    try:
        for given in (input_data, params):
            if isinstance(given, RefusedError):
                raise given
        parsed = input_data if is_parsed(input_data) else looked_at(input_data)
        answer = model.predict(parsed, **({"params": params} if takes_params else {}))
    except (RefusedError, MlflowException) as error:
        return AMLResponse({"message": str(error)}, 400, json_str=True)
    return _get_jsonable_obj(answer, pandas_orient="records")
