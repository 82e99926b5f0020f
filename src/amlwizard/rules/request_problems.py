"""Checks of a scoring request before it is sent, in the form in which it is sent: its shape, its values
and its parameters, against what the model takes. Stricter than Azure, which casts silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from amlwizard.errors import Severity
from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.language import _, _n
from amlwizard.rules import arrays, cells, labels
from amlwizard.rules.frames import Columns, Frame, frame_of
from amlwizard.rules.model_input import ModelInput, Param, Tensor
from amlwizard.rules.scoring_request import FORM, Problem, as_sent

MOST = 5
KEYS = ("input_data", "params")
READ_AS: Mapping[labels.Reading, str] = {
    "numbers": _("The columns have numbers as names, {names}: Azure does not find them."),
    "times": _("The columns have times as names, {names}: Azure does not find them."),
}
FULL = (*cells.WHOLE, "boolean")  # types without a null, not even in an optional column


def problems(request: JsonObject, model: ModelInput) -> list[Problem]:
    """What a model rejects or misinterprets: first problems with columns, then with at most `MOST`
    rows, then with parameters. Without knowledge of the model, only what every model rejects."""
    sent = as_sent(request, model)
    if sent.get("input_data") is None:
        return [Problem(_("The request has neither input_data nor data."), FORM)]
    return [*_input(sent["input_data"], model), *_params(sent, model), *_more(sent)]


def _input(given: JsonValue, model: ModelInput) -> Iterator[Problem]:
    if model.parser == "array" or (model.parser == "named arrays" and not model.named):
        yield from _arrays(given, model)
        return
    frame = frame_of(given, model.columns)
    if not given or (frame and not frame.data) or (frame is None and not isinstance(given, list)):
        yield Problem(_("The request holds no rows."), FORM)
    elif frame is not None:
        yield from _frame(frame, model)
    elif model.named:
        yield Problem(_("The request holds no rows."), FORM)


def _frame(frame: Frame, model: ModelInput) -> Iterator[Problem]:
    if frame.labels is not None and len(frame.labels) != len(frame.data):
        what = _n(
            "The index has {n} entry for {rows}.",
            "The index has {n} entries for {rows}.",
            len(frame.labels),
            rows=_n("{n} row", "{n} rows", len(frame.data)),
        )
        yield Problem(what, _("Give one for each row, or leave index out."))
        return
    if model.columns:
        yield from (*_columns(frame, model), *_names(frame, model))
    yield from _rows(frame, model.columns)


def _columns(frame: Frame, model: ModelInput) -> Iterator[Problem]:
    columns = model.columns
    missing = [n for n, column in columns.items() if column.required and n not in frame.columns]
    if missing:
        what = _("The request has no {names}.", names=", ".join(missing))
        yield Problem(what, _("The model takes {columns}.", columns=", ".join(columns)))
    twice = sorted({name for name in frame.columns if frame.columns.count(name) > 1})
    if twice:
        what = _n(
            "{names} is named twice.",
            "{names} are named twice.",
            len(twice),
            names=", ".join(twice),
        )
        yield Problem(what, _("Name each column once."))
    more = [name for name in frame.columns if name not in columns]
    if more and model.signed:
        what = _("The model does not know {names}.", names=", ".join(more)[:80])
        yield Problem(what, _("Azure leaves it out; so may the request."), "warning")


def _names(frame: Frame, model: ModelInput) -> Iterator[Problem]:
    """Names that Azure's script reads as something else; names that are numbers in JSON stay so."""
    known = {name: column.name for name, column in model.columns.items()}
    if not model.signed or any(isinstance(known.get(name), int) for name in frame.columns):
        return
    if kind := labels.read_as(frame.columns):
        what = READ_AS[kind].format(names=", ".join(frame.columns)[:80])
        yield Problem(what, _("Train the model on columns with other names."))


def _rows(frame: Frame, columns: Columns) -> Iterator[Problem]:
    fix = _("A row is {columns}.", columns=", ".join(frame.columns))
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
        what = _n(
            "Row {number} has {n} value; the model takes {wanted}.",
            "Row {number} has {n} values; the model takes {wanted}.",
            len(row),
            number=number,
            wanted=len(names),
        )
        yield Problem(what, "")
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
        what = _("Row {number}, {name}: {problem}", number=number, name=name, problem=text)
        yield Problem(what, "", severity)


def _arrays(given: JsonValue, model: ModelInput) -> Iterator[Problem]:
    tensors, whole = model.tensors, _("Write the array as nested lists: a list for each dimension.")
    if model.parser == "array":
        tensor = next(iter(tensors.values()), Tensor(None))
        if given == []:
            yield Problem(_("The request holds no rows."), whole)
            return
        yield from (Problem(text, whole) for text in arrays.wrong(given, tensor))
        return
    form = _("Write an array for each of {names}.", names=", ".join(tensors))
    if not isinstance(given, Mapping):
        yield Problem(_("The request holds no arrays by name."), form)
        return
    missing = [name for name in tensors if name not in given]
    if missing:
        yield Problem(_("The request has no {names}.", names=", ".join(missing)), form)
    for name, tensor in tensors.items():
        if name in given:
            found = arrays.wrong(given[name], tensor)
            yield from (Problem(f"{name}: {text}", whole) for text in found)


def _params(sent: JsonObject, model: ModelInput) -> Iterator[Problem]:
    given = sent.get("params")
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield Problem(_("params is not an object."), _('Write {"params": {"name": value}}.'))
        return
    known = {param.name: param for param in model.params}
    for name, value in given.items():
        if name in known:
            if text := _of_param(value, known[name]):
                fix = _("Its type is {type}.", type=known[name].type)
                yield Problem(f"params.{name}: {text}", fix)
        elif model.signed:
            what = _("The model has no parameter {name}: Azure ignores it.", name=name)
            yield Problem(what, _taken(known), "warning")


def _taken(params: Iterable[str]) -> str:
    names = ", ".join(params)
    return _("It takes {names}.", names=names) if names else _("Its signature has no params.")


def _of_param(value: JsonValue, param: Param) -> str:
    """A sentence on what is wrong, or nothing. Parameters are not cast: text is no number there."""
    if param.many:
        if not isinstance(value, list):
            return _("{value} is not a list.", value=arrays.shown(value))
        return next(filter(None, (_of_param(one, Param("", param.type)) for one in value)), "")
    if value is None or param.type in ("object", ""):
        return ""
    if param.type != "string" and param.type != "datetime" and isinstance(value, str):
        return _("{value} is text.", value=arrays.shown(value))
    if param.type == "string" and not isinstance(value, str):
        return _("{value} is not text.", value=arrays.shown(value))
    if param.type in cells.WHOLE and isinstance(value, float):
        return _("{value} is not a whole number.", value=arrays.shown(value))
    return cells.wrong(value, {"type": param.type})


def _more(sent: JsonObject) -> Iterator[Problem]:
    more = [name for name in sent if name not in KEYS]
    if more:
        what = _("The request has {names} besides input_data.", names=", ".join(more)[:80])
        yield Problem(what, _("Leave it out: the scoring script takes input_data and params."))
