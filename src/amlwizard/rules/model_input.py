"""What a model takes: its signature and its input example, as MLflow writes them, and the parser that
Azure's no-code scoring script chooses from both.

Source of the choice: ``mlflow_score_script.py`` of Azure/azureml-assets. The input example comes before
the signature, where it can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from amlwizard.json_types import JsonObject, JsonValue

Parser = Literal["frame", "array", "named arrays", "none"]
"""``frame``: columns, index and data become a pandas DataFrame. ``array``: nested lists become a NumPy
array. ``named arrays``: one array for each name. ``none``: it depends on the request."""

SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
ARRAYS = "inputs"  # the key that holds the arrays of an example, or what has params beside it
PARAMS = "params"


@dataclass(frozen=True)
class Column:
    """A column; `name` is None if the signature names none. `spec` is the JSON of its type:
    ``{"type": "double"}``, or one with ``items``, ``properties`` or ``values``; empty if not known."""

    name: str | int | None
    spec: JsonObject
    required: bool = True

    @property
    def type(self) -> str:
        return str(self.spec.get("type", ""))


@dataclass(frozen=True)
class Tensor:
    """An array of the NumPy type `dtype`; -1 in `shape` stands for any size. Both are empty if not
    known."""

    name: str | None
    dtype: str = ""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Param:
    """A parameter of ``predict``; `many` of them are a list."""

    name: str
    type: str
    many: bool = False


@dataclass(frozen=True)
class Example:
    """An input example. `kind` is MLflow's ``dataframe``, ``ndarray``, ``json_object`` …; `value` is
    the JSON of its file, None if that was too large to keep."""

    kind: str
    value: JsonValue = None

    @property
    def data(self) -> JsonValue:
        """The example without the parameters beside it."""
        value = self.value
        if isinstance(value, Mapping) and ARRAYS in value and value.keys() <= {ARRAYS, PARAMS}:
            return value[ARRAYS]
        return value

    @property
    def params(self) -> JsonObject:
        if not isinstance(self.value, Mapping) or self.data is self.value:
            return {}
        params = self.value.get(PARAMS)
        return params if isinstance(params, Mapping) else {}


@dataclass(frozen=True)
class ModelInput:
    """`signed` tells whether there is a signature; `inputs` are all columns or all tensors."""

    signed: bool = False
    inputs: tuple[Column | Tensor, ...] = ()
    params: tuple[Param, ...] = ()
    example: Example | None = None

    @cached_property
    def parser(self) -> Parser:
        """The parser of the no-code script. A model for which that does not start (a dictionary as
        example, nested columns without example) has the one that it would have had."""
        return self._of_example() or self._of_signature()

    def _of_example(self) -> Parser | None:
        """The parser of the example; None if there is none that the script can read."""
        if self.example is None:
            return None
        value, kind = self.example.value, self.example.kind
        if kind == "dataframe":
            return "frame"
        if kind == "ndarray":
            # Only releases of MLflow before 2.9 write them so that the script can read them.
            arrays = value.get(ARRAYS) if isinstance(value, Mapping) else None
            of_names: Parser = "named arrays" if isinstance(arrays, Mapping) else "array"
            return None if arrays is None else of_names
        if isinstance(value, Mapping):
            return "named arrays"
        return "none" if isinstance(value, (str, list)) else None

    def _of_signature(self) -> Parser:
        if not self.inputs:
            return "none"
        if isinstance(self.inputs[0], Tensor):
            return "array" if self.inputs[0].name is None else "named arrays"
        return "frame"

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns by name, in the model's order: of the signature, else of the example. Those
        without names are numbered, as in a DataFrame."""
        known = [given for given in self.inputs if isinstance(given, Column)]
        if not known and self.example and (not self.inputs or self.parser == "frame"):
            known = [Column(name, {}) for name in _names(self.example)]
        numbered = ((n if c.name is None else c.name, c) for n, c in enumerate(known))
        return {str(name): Column(name, c.spec, c.required) for name, c in numbered}

    @cached_property
    def named(self) -> bool:
        """Whether the columns have names of their own."""
        given = [one.name for one in self.inputs if isinstance(one, Column)]
        return bool(self.columns) and None not in given

    @cached_property
    def tensors(self) -> Mapping[str, Tensor]:
        """The tensors by name, of the signature, else of the example; "" if it has no name."""
        known = [given for given in self.inputs if isinstance(given, Tensor)]
        if not known and self.example and isinstance(self.example.data, Mapping):
            known = [Tensor(name) for name in self.example.data]
        return {tensor.name or "": tensor for tensor in known}


def _names(example: Example) -> Sequence[str | int]:
    """The column names that an example tells."""
    data = example.data
    if example.kind == "dataframe" and isinstance(data, Mapping):
        names, rows = data.get("columns"), data.get("data")
        if isinstance(names, list):
            return [name if isinstance(name, int) else str(name) for name in names]
        first = rows[0] if isinstance(rows, list) and rows else []
        return [*range(len(first))] if isinstance(first, list) else []
    records = [data] if isinstance(data, Mapping) else data
    if not isinstance(records, list) or not all(isinstance(each, Mapping) for each in records):
        return []
    return [*dict.fromkeys(name for record in records for name in record)]


def model_input(signature: JsonObject | None, example: JsonObject | None = None) -> ModelInput:
    """Read the signature ``{"inputs": [...], "params": [...]}`` of an ``MLmodel`` file, its JSON texts
    parsed, and the example ``{"type": "dataframe", "value": ...}``."""
    inputs = _objects(signature, "inputs")
    return ModelInput(
        signature is not None,
        tuple(_tensor(one) if "tensor-spec" in one else _column(one) for one in inputs),
        tuple(
            Param(str(one.get("name")), _type(one), one.get("shape") is not None)
            for one in _objects(signature, "params")
        ),
        Example(str(example.get("type")), example.get("value")) if example else None,
    )


def of_columns(types: Mapping[str, str]) -> ModelInput:
    """A model with columns of MLflow's types by name."""
    return ModelInput(True, tuple(Column(name, {"type": kind}) for name, kind in types.items()))


def _objects(signature: JsonObject | None, key: str) -> Sequence[JsonObject]:
    given = (signature or {}).get(key) or []
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def _type(one: JsonObject) -> str:
    return str(one.get("type", one.get("dtype", "")))


def _column(one: JsonObject) -> Column:
    name = one.get("name")
    known = name if name is None or isinstance(name, int) else str(name)
    spec = {key: value for key, value in one.items() if key not in ("name", "required")}
    return Column(known, spec, one.get("required") is not False)


def _tensor(one: JsonObject) -> Tensor:
    name, spec = one.get("name"), one["tensor-spec"]
    given: JsonObject = spec if isinstance(spec, Mapping) else {}
    shape = given.get("shape")
    sizes = (
        tuple(size for size in shape if isinstance(size, int)) if isinstance(shape, list) else ()
    )
    return Tensor(None if name is None else str(name), str(given.get("dtype", "")), sizes)
