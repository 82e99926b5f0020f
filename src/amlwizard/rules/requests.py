"""What can be known about a scoring request before it is sent: its JSON, and its shape against the
columns that the model was trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

DIABETES = dict.fromkeys(("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"), "double")
NUMBERS = ("double", "float", "integer", "long")
MOST = 5


class Problem(NamedTuple):
    what: str
    fix: str


def parsed(text: str) -> tuple[dict[str, Any] | None, Problem | None]:
    """The request that a text holds, or where its JSON breaks."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"Line {error.lineno}, column {error.colno}"
        return None, Problem(f"{where}: {error.msg}.", "Correct it there.")
    except (ValueError, RecursionError) as error:
        return None, Problem(f"Not JSON: {error}.", "Correct it.")
    if not isinstance(value, dict):
        return None, Problem("A request is an object.", 'Write {"input_data": [[...]]}.')
    return value, None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def rows_of(request: Mapping[str, Any]) -> Any:
    """The rows of a request, in whichever of its forms; None where it has none."""
    given = request.get("input_data", request.get("data"))
    return given.get("data") if isinstance(given, Mapping) else given


def problems(request: Mapping[str, Any], columns: Mapping[str, str]) -> list[Problem]:
    """What a model trained on `columns` (type by name) will not take, the first few rows named.
    Without columns, only what no model takes."""
    given = request.get("input_data", request.get("data"))
    if given is None:
        what = "The request has neither input_data nor data."
        return [Problem(what, 'Write {"input_data": [[...]]}.')]
    if isinstance(given, Mapping):
        names = given.get("columns")
        if not isinstance(names, list) or "data" not in given:
            what = "input_data has no columns or no data."
            return [Problem(what, "Give columns, index and data; or rows alone.")]
        named = [str(name) for name in names]
        if columns and sorted(named) != sorted(columns):
            what = f"The columns are not those of the model: {', '.join(named)[:80]}."
            return [Problem(what, f"They are {', '.join(columns)}.")]
        columns = {name: columns[name] for name in named} if columns else columns
    rows = rows_of(request)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        return [Problem("The request holds no rows.", "Write [[...], [...]].")]
    wrong = [text for number, row in enumerate(rows, 1) for text in _row(number, row, columns)]
    return [Problem(text, f"A row is {', '.join(columns)}.") for text in wrong[:MOST]]


def _row(number: int, row: Sequence[Any], columns: Mapping[str, str]) -> Iterator[str]:
    if columns and len(row) != len(columns):
        yield f"Row {number} has {len(row)} values; the model takes {len(columns)}."
        return
    for value, (name, kind) in zip(row, columns.items(), strict=False):
        wrong = isinstance(value, bool) or not isinstance(value, (int, float))
        if kind in NUMBERS and wrong:
            yield f"Row {number}, {name}: {json.dumps(value)[:40]} is not a number."
            return


def built(columns: Mapping[str, str], rows: Sequence[Sequence[Any]] = ()) -> dict[str, Any]:
    """A request with every column named: of those rows, else of one row of zeros."""
    given = [list(row) for row in rows if len(row) == len(columns)]
    zeros: list[Any] = [0.0 if kind in NUMBERS else "" for kind in columns.values()]
    data = given or [zeros]
    return {"input_data": {"columns": [*columns], "index": [*range(len(data))], "data": data}}


def text_of(request: Mapping[str, Any]) -> str:
    """JSON as a person edits it: a row of values on one line."""
    return _written(request, 0)


def _written(value: Any, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, Mapping) and value:
        parts = [f"{inner}{json.dumps(k)}: {_written(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(item, (list, Mapping)) for item in value):
        return "[\n" + ",\n".join(inner + _written(v, depth + 1) for v in value) + f"\n{outer}]"
    return json.dumps(value, ensure_ascii=False)
