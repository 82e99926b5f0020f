"""Scoring requests: read from text, written in the form that a model takes, and built from its input
example or signature."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from amlwizard.errors import Severity, StepError
from amlwizard.json_types import DEEPEST, JsonObject, JsonValue, is_too_deep
from amlwizard.language import _
from amlwizard.recipe import Training
from amlwizard.rules import arrays, cells
from amlwizard.rules.frames import Frame, frame_of, of_csv
from amlwizard.rules.model_input import ModelInput, Tensor, of_columns

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
DIABETES = of_columns(dict.fromkeys(FEATURES, "double"))
"""What the model of the shipped notebook takes."""
UNKNOWN = ModelInput()


def before_training(training: Training) -> ModelInput:
    """What is known of the model's input before it is trained."""
    return UNKNOWN if training.notebook else DIABETES


FORM = _(
    'Write {"input_data": {"columns": [...], "index": [...], "data": [[...]]}}, or rows alone.'
)


class Problem(NamedTuple):
    what: str
    fix: str
    severity: Severity = "error"


# -- as text


def parsed(text: str, model: ModelInput = UNKNOWN) -> tuple[JsonObject | None, Problem | None]:
    """The request in a text, JSON or CSV, of rows alone too, and None; or None and the problem with its
    line and column."""
    frame = None if text.lstrip()[:1] in ("", "{", "[") else of_csv(text, model.columns)
    if frame:
        return {"input_data": _split(frame, model) if frame.columns else frame.data}, None
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        what = _(
            "Line {line}, column {column}: {problem}.",
            line=error.lineno,
            column=error.colno,
            problem=error.msg,
        )
        return None, Problem(what, _("Correct it there."))
    except (ValueError, RecursionError) as error:
        return None, Problem(_("Not JSON: {problem}.", problem=error), _("Correct it."))
    if isinstance(value, list):
        value = {"input_data": value}
    if not isinstance(value, dict):
        return None, Problem(_("A request is an object."), FORM)
    if is_too_deep(text.encode(errors="replace")):
        return None, Problem(_("More than {n} levels deep.", n=DEEPEST), FORM)
    return value, None


def _refuse(name: str) -> JsonValue:
    raise ValueError(_("{name} is not a JSON number", name=name))


def text_of(request: JsonObject) -> str:
    """The request as indented JSON for editing, with each row of values on one line."""
    return _written(request, 0)


def _written(value: JsonValue, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, Mapping) and value:
        parts = [f"{inner}{json.dumps(k)}: {_written(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(item, (list, Mapping)) for item in value):
        return "[\n" + ",\n".join(inner + _written(v, depth + 1) for v in value) + f"\n{outer}]"
    return json.dumps(value, ensure_ascii=False)


# -- as the model takes it


def as_sent(request: JsonObject | None, model: ModelInput) -> JsonObject:
    """The request to send to the endpoint: ``data``, the old key, becomes ``input_data``, in the form
    of the model's parser. None stands for one that is built.

    Raises StepError if nothing tells what to build.
    """
    if request is None:
        return built(model)
    rest = dict(request)
    given = rest.pop("input_data") if "input_data" in rest else rest.pop("data", None)
    return dict(request) if given is None else {"input_data": _formed(given, model), **rest}


def _formed(given: JsonValue, model: ModelInput) -> JsonValue:
    """Where a signature has columns, these are the form, also for a script of one's own, which takes
    them where the no-code script does not start."""
    if model.parser == "frame" or (model.parser != "array" and model.named):
        frame = frame_of(given, model.columns)
        return _split(frame, model) if frame and frame.columns else given
    if model.parser == "array":
        return arrays.array_of(given, next(iter(model.tensors.values()), Tensor(None)))
    if model.parser == "named arrays":
        return arrays.arrays_of(given, model.tensors)
    frame = frame_of(given, {})
    return _split(frame, model) if frame and frame.columns else given


def _split(frame: Frame, model: ModelInput) -> JsonObject:
    frame = _without_empty(frame, model)
    known = [model.columns.get(name) for name in frame.columns]
    specs = [column.spec if column else {} for column in known]
    names = [name if c is None or c.name is None else c.name
             for name, c in zip(frame.columns, known, strict=True)]  # fmt: skip
    rows = [_typed(row, specs) for row in frame.data]
    index = [*range(len(rows))] if frame.labels is None else frame.labels
    return {"columns": names, "index": index, "data": rows}


def _without_empty(frame: Frame, model: ModelInput) -> Frame:
    """Without optional columns that no row has a value for: there is no null of whole numbers."""
    optional = {name for name, column in model.columns.items() if not column.required}
    if any(len(row) != len(frame.columns) for row in frame.data):
        return frame
    kept = [
        place
        for place, name in enumerate(frame.columns)
        if name not in optional or any(row[place] is not None for row in frame.data)
    ]
    rows = [[row[place] for place in kept] for row in frame.data]
    return frame._replace(columns=[frame.columns[place] for place in kept], data=rows)


def _typed(row: Sequence[JsonValue], specs: Sequence[JsonObject]) -> list[JsonValue]:
    if len(row) != len(specs):
        return [*row]
    return [cells.sent(value, spec) for value, spec in zip(row, specs, strict=True)]


def form_of(sent: JsonObject) -> str:
    """The form of a request that is sent, in words."""
    given = sent.get("input_data")
    if not isinstance(given, Mapping):
        return _("nested lists")
    return _("columns, index and data") if "columns" in given else _("arrays by name")


def rows_of(request: JsonObject | None, model: ModelInput) -> Sequence[JsonValue]:
    """The rows of a request in any of its forms; empty if there are none."""
    given = as_sent(request or {}, model).get("input_data")
    if isinstance(given, Mapping) and not isinstance(given.get("data"), list):
        given = next(iter(given.values()), None)
    elif isinstance(given, Mapping):
        given = given["data"]
    return given if isinstance(given, list) else []


# -- built


def source_of(model: ModelInput) -> str:
    """What a request is built from, in words."""
    example = model.example
    if example is not None and example.value is not None:
        return _("the model's input example")
    return _("a sample that the model's signature allows")


def built(model: ModelInput) -> JsonObject:
    """A request from the model's input example; without, from its signature, with sample values.

    Raises StepError if it has neither.
    """
    example = model.example
    if example and example.value is not None:
        params = {"params": example.params} if example.params else {}
        data = example.data
        alone = [data] if isinstance(data, (str, int, float)) else data
        return as_sent({"input_data": alone, **params}, model)
    if not model.inputs:
        raise StepError(
            _("No scoring request can be built."),
            why=_("The model has neither a signature nor an input example that can be read."),
            fix=_("Write scoring.request in the recipe, or save the model with input_example."),
        )
    if model.tensors:
        made = {name: arrays.sample(tensor) for name, tensor in model.tensors.items()}
        return {"input_data": made.get("", made)}
    row = [cells.sample(column.spec) for column in model.columns.values()]
    return {"input_data": _split(Frame([*model.columns], [row]), model)}
