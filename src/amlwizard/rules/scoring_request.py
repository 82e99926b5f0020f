"""Checks of a scoring request before it is sent: its JSON, and its shape compared with the columns
that the model was trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from amlwizard.errors import Severity
from amlwizard.json_types import DEEPEST, JsonValue, is_too_deep
from amlwizard.rules import cells
from amlwizard.rules.frames import Columns, Frame, frame_of

DIABETES = dict.fromkeys(("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"), "double")
FORM = 'Write {"input_data": {"columns": [...], "index": [...], "data": [[...]]}}, or rows alone.'
MOST = 5


class Problem(NamedTuple):
    what: str
    fix: str
    severity: Severity = "error"


def parsed(text: str) -> tuple[dict[str, JsonValue] | None, Problem | None]:
    """The request in a JSON text and None, or None and the problem with its line and column."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"Line {error.lineno}, column {error.colno}"
        return None, Problem(f"{where}: {error.msg}.", "Correct it there.")
    except (ValueError, RecursionError) as error:
        return None, Problem(f"Not JSON: {error}.", "Correct it.")
    if not isinstance(value, dict):
        return None, Problem("A request is an object.", FORM)
    if is_too_deep(text.encode(errors="replace")):
        return None, Problem(f"More than {DEEPEST} levels deep.", FORM)
    return value, None


def _refuse(name: str) -> JsonValue:
    raise ValueError(f"{name} is no JSON number")


def rows_of(request: Mapping[str, JsonValue], columns: Columns) -> list[list[JsonValue]]:
    """The rows of a request in any of its forms; empty if there are none."""
    frame = frame_of(request.get("input_data", request.get("data")), columns)
    return frame.data if frame else []


def problems(request: Mapping[str, JsonValue], columns: Columns) -> list[Problem]:
    """What a model trained on `columns` rejects or misinterprets: first problems with columns, then
    with at most `MOST` rows. Without columns, only what every model rejects."""
    given = request.get("input_data", request.get("data"))
    if given is None:
        return [Problem("The request has neither input_data nor data.", FORM)]
    frame = frame_of(given, columns)
    if frame is None or not frame.data:
        return [Problem("The request holds no rows.", FORM)]
    if frame.labels is not None and len(frame.labels) != len(frame.data):
        what = f"The index has {len(frame.labels)} entries for {len(frame.data)} rows."
        return [Problem(what, "Give one for each row, or leave index out.")]
    return [*_columns(frame, columns), *_rows(frame, columns)]


def _columns(frame: Frame, columns: Columns) -> Iterator[Problem]:
    if not columns:
        return
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        what = f"The request has no {', '.join(missing)}."
        yield Problem(what, f"The model takes {', '.join(columns)}.")
    twice = sorted({name for name in frame.columns if frame.columns.count(name) > 1})
    if twice:
        yield Problem(f"{', '.join(twice)} is named twice.", "Name each column once.")
    more = [name for name in frame.columns if name not in columns]
    if more:
        what = f"The model does not know {', '.join(more)[:80]}."
        yield Problem(what, "Azure leaves it out; so may the request.", "warning")


def _rows(frame: Frame, columns: Columns) -> Iterator[Problem]:
    fix = f"A row is {', '.join(frame.columns)}."
    wrong = [
        Problem(text, fix)
        for number, row in enumerate(frame.data, 1)
        for text in _row(number, row, frame.columns, columns)
    ]
    yield from wrong[:MOST]


def _row(
    number: int, row: Sequence[JsonValue], names: Sequence[str], columns: Columns
) -> Iterator[str]:
    if names and len(row) != len(names):
        yield f"Row {number} has {len(row)} values; the model takes {len(names)}."
        return
    for name, value in zip(names, row, strict=False):
        wrong = cells.wrong(value, columns.get(name, ""))
        if wrong:
            yield f"Row {number}, {name}: {wrong}."
            return


def built(columns: Columns, rows: Sequence[Sequence[JsonValue]] = ()) -> dict[str, JsonValue]:
    """A request with all columns named, from the `rows` of the right length, or else from one row
    of sample values (zeros)."""
    given = [list(row) for row in rows if len(row) == len(columns)]
    data = given or [[cells.SAMPLES.get(kind, "") for kind in columns.values()]]
    return {"input_data": {"columns": [*columns], "index": [*range(len(data))], "data": data}}


def text_of(request: Mapping[str, JsonValue]) -> str:
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
