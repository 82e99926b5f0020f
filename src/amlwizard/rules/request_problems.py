"""Checks of a scoring request before it is sent, in the form in which it is sent: its shape, its values
and its parameters, against what the model takes. Stricter than Azure, which casts silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from amlwizard.errors import Severity
from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.rules import arrays, cells, labels
from amlwizard.rules.frames import Columns, Frame, frame_of
from amlwizard.rules.model_input import ModelInput, Param, Tensor
from amlwizard.rules.scoring_request import FORM, Problem, as_sent

MOST = 5
KEYS = ("input_data", "params")
FULL = (*cells.WHOLE, "boolean")  # types without a null, not even in an optional column


def problems(request: JsonObject, model: ModelInput) -> list[Problem]:
    """What a model rejects or misinterprets: first problems with columns, then with at most `MOST`
    rows, then with parameters. Without knowledge of the model, only what every model rejects."""
    sent = as_sent(request, model)
    if sent.get("input_data") is None:
        return [Problem("The request has neither input_data nor data.", FORM)]
    return [*_input(sent["input_data"], model), *_params(sent, model), *_more(sent)]


def _input(given: JsonValue, model: ModelInput) -> Iterator[Problem]:
    if model.parser == "array" or (model.parser == "named arrays" and not model.named):
        yield from _arrays(given, model)
        return
    frame = frame_of(given, model.columns)
    if not given or (frame and not frame.data) or (frame is None and not isinstance(given, list)):
        yield Problem("The request holds no rows.", FORM)
    elif frame is not None:
        yield from _frame(frame, model)
    elif model.named:
        yield Problem("The request holds no rows.", FORM)


def _frame(frame: Frame, model: ModelInput) -> Iterator[Problem]:
    if frame.labels is not None and len(frame.labels) != len(frame.data):
        what = f"The index has {len(frame.labels)} entries for {len(frame.data)} rows."
        yield Problem(what, "Give one for each row, or leave index out.")
        return
    if model.columns:
        yield from (*_columns(frame, model), *_names(frame, model))
    yield from _rows(frame, model.columns)


def _columns(frame: Frame, model: ModelInput) -> Iterator[Problem]:
    columns = model.columns
    missing = [n for n, column in columns.items() if column.required and n not in frame.columns]
    if missing:
        what = f"The request has no {', '.join(missing)}."
        yield Problem(what, f"The model takes {', '.join(columns)}.")
    twice = sorted({name for name in frame.columns if frame.columns.count(name) > 1})
    if twice:
        yield Problem(f"{', '.join(twice)} is named twice.", "Name each column once.")
    more = [name for name in frame.columns if name not in columns]
    if more and model.signed:
        what = f"The model does not know {', '.join(more)[:80]}."
        yield Problem(what, "Azure leaves it out; so may the request.", "warning")


def _names(frame: Frame, model: ModelInput) -> Iterator[Problem]:
    """Names that Azure's script reads as something else; names that are numbers in JSON stay so."""
    known = {name: column.name for name, column in model.columns.items()}
    if not model.signed or any(isinstance(known.get(name), int) for name in frame.columns):
        return
    if kind := labels.read_as(frame.columns):
        what = f"The columns have {kind} as names, {', '.join(frame.columns)[:80]}: Azure does not find them."
        yield Problem(what, "Train the model on columns with other names.")


def _rows(frame: Frame, columns: Columns) -> Iterator[Problem]:
    fix = f"A row is {', '.join(frame.columns)}."
    found = [
        problem._replace(fix=fix)
        for number, row in enumerate(frame.data, 1)
        for problem in _row(number, row, frame.columns, columns)
    ]
    yield from sorted(found, key=lambda problem: problem.severity != "error")[:MOST]


def _row(
    number: int, row: Sequence[JsonValue], names: Sequence[str], columns: Columns
) -> Iterator[Problem]:
    """The first problem of a row."""
    if names and len(row) != len(names):
        yield Problem(f"Row {number} has {len(row)} values; the model takes {len(names)}.", "")
        return
    known = [columns.get(name) for name in names]
    given = [
        (name, value, column.spec)
        for name, value, column in zip(names, row, known, strict=False)
        if column is not None and (value is not None or column.required or column.type in FULL)
    ]
    wrong = [(n, text) for n, value, spec in given if (text := cells.wrong(value, spec))]
    doubtful = [(n, text) for n, value, spec in given if (text := cells.doubtful(value, spec, n))]
    for name, text in (wrong or doubtful)[:1]:
        severity: Severity = "error" if wrong else "warning"
        yield Problem(f"Row {number}, {name}: {text}.", "", severity)


def _arrays(given: JsonValue, model: ModelInput) -> Iterator[Problem]:
    tensors, whole = model.tensors, "Write the array as nested lists: a list for each dimension."
    if model.parser == "array":
        tensor = next(iter(tensors.values()), Tensor(None))
        if given == []:
            yield Problem("The request holds no rows.", whole)
            return
        yield from (Problem(f"{text}.", whole) for text in arrays.wrong(given, tensor))
        return
    form = f"Write an array for each of {', '.join(tensors)}."
    if not isinstance(given, Mapping):
        yield Problem("The request holds no arrays by name.", form)
        return
    missing = [name for name in tensors if name not in given]
    if missing:
        yield Problem(f"The request has no {', '.join(missing)}.", form)
    for name, tensor in tensors.items():
        if name in given:
            found = arrays.wrong(given[name], tensor)
            yield from (Problem(f"{name}: {text}.", whole) for text in found)


def _params(sent: JsonObject, model: ModelInput) -> Iterator[Problem]:
    given = sent.get("params")
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield Problem("params is no object.", 'Write {"params": {"name": value}}.')
        return
    known = {param.name: param for param in model.params}
    for name, value in given.items():
        if name in known:
            if text := _of_param(value, known[name]):
                yield Problem(f"params.{name}: {text}.", f"It is of the type {known[name].type}.")
        elif model.signed:
            takes = f"It takes {', '.join(known)}." if known else "Its signature has no params."
            yield Problem(f"The model has no parameter {name}: Azure ignores it.", takes, "warning")


def _of_param(value: JsonValue, param: Param) -> str:
    """Parameters are not cast: text is no number there."""
    if param.many:
        if not isinstance(value, list):
            return f"{arrays.shown(value)} is no list"
        return next(filter(None, (_of_param(one, Param("", param.type)) for one in value)), "")
    if value is None or param.type in ("object", ""):
        return ""
    if param.type != "string" and param.type != "datetime" and isinstance(value, str):
        return f"{arrays.shown(value)} is text"
    if param.type == "string" and not isinstance(value, str):
        return f"{arrays.shown(value)} is no text"
    if param.type in cells.WHOLE and isinstance(value, float):
        return f"{arrays.shown(value)} is not a whole number"
    return cells.wrong(value, {"type": param.type})


def _more(sent: JsonObject) -> Iterator[Problem]:
    more = [name for name in sent if name not in KEYS]
    if more:
        what = f"The request has {', '.join(more)[:80]} beside input_data."
        yield Problem(what, "Leave it out: the scoring script takes input_data and params.")
