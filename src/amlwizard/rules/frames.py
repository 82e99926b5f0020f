"""The rows of a scoring request, in whichever form people write them, as the columns, index and data
that a model with named columns takes. The scoring script of Azure understands that form alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from amlwizard.json_types import JsonValue

Columns = Mapping[str, str]
"""Type (MLflow's name for it) by name, in the model's order; empty where it is not known."""


class Frame(NamedTuple):
    columns: list[str]
    data: list[list[JsonValue]]
    labels: list[JsonValue] | None = None


def frame_of(given: JsonValue, columns: Columns) -> Frame | None:
    """The rows that `input_data` holds; None where it holds none that could be told."""
    if isinstance(given, Mapping):
        return _of_mapping(given, columns)
    if not isinstance(given, list) or not given:
        return None
    if all(isinstance(row, list) for row in given):
        return Frame([*columns], given)
    if all(isinstance(row, Mapping) for row in given):
        return _of_records(given, columns)
    if columns and not any(isinstance(value, (list, Mapping)) for value in given):
        return Frame([*columns], [given])
    return None


def _of_mapping(given: Mapping[str, JsonValue], columns: Columns) -> Frame | None:
    names, data = given.get("columns"), given.get("data")
    if isinstance(names, list) and isinstance(data, list):
        rows = all(isinstance(row, list) for row in data)
        index = given.get("index")
        named = [str(name) for name in names]
        return Frame(named, data, index if isinstance(index, list) else None) if rows else None
    if not columns.keys() & given.keys():
        return None
    lists = [value for value in given.values() if isinstance(value, list)]
    if len(lists) == len(given):
        if len({len(value) for value in lists}) == 1:
            return Frame([*given], [list(row) for row in zip(*lists, strict=True)])
        return None
    return _of_records([given], columns)


def _of_records(records: Sequence[Mapping[str, JsonValue]], columns: Columns) -> Frame | None:
    """A column that a record does not have is a row that is too short: the frame has the columns
    that all of them have."""
    named = dict.fromkeys(name for record in records for name in record)
    common = [name for name in named if all(name in record for record in records)]
    ordered = [name for name in columns if name in common]
    ordered += [name for name in common if name not in columns]
    return Frame(ordered, [[record[name] for name in ordered] for record in records])


def as_sent(request: Mapping[str, JsonValue], columns: Columns) -> dict[str, JsonValue]:
    """What goes to the endpoint: ``data``, the old form, becomes ``input_data``, and rows get the
    names of the model's columns. Without columns, rows go as they are: as an array."""
    rest = dict(request)
    given = rest.pop("input_data") if "input_data" in rest else rest.pop("data", None)
    if given is None:
        return dict(request)
    frame = frame_of(given, columns)
    if frame is None or not (columns or isinstance(given, Mapping)):
        return {"input_data": given, **rest}
    index = [*range(len(frame.data))] if frame.labels is None else frame.labels
    return {"input_data": {"columns": frame.columns, "index": index, "data": frame.data}, **rest}
