"""Converts the rows of a scoring request from any form that users write to the columns, index and
data of a model with named columns, the only form that Azure's scoring script accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from amlwizard.json_types import JsonValue

Columns = Mapping[str, str]
"""Column types (MLflow's names) by column name, in the model's order; empty if not known."""


class Frame(NamedTuple):
    """Rows by column. `labels` is the index, one per row; None if the request has none."""

    columns: list[str]
    data: list[list[JsonValue]]
    labels: list[JsonValue] | None = None


def frame_of(given: JsonValue, columns: Columns) -> Frame | None:
    """The rows that `input_data` holds; None if they cannot be recognised."""
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
    """A frame with the columns that all records have. A column missing from a record would make its
    row too short."""
    named = dict.fromkeys(name for record in records for name in record)
    common = [name for name in named if all(name in record for record in records)]
    ordered = [name for name in columns if name in common]
    ordered += [name for name in common if name not in columns]
    return Frame(ordered, [[record[name] for name in ordered] for record in records])


def as_sent(request: Mapping[str, JsonValue], columns: Columns) -> dict[str, JsonValue]:
    """The request to send to the endpoint: ``data``, the old key, becomes ``input_data``, and rows
    get the names of the model's columns. Without `columns`, an array of rows is sent unchanged."""
    rest = dict(request)
    given = rest.pop("input_data") if "input_data" in rest else rest.pop("data", None)
    if given is None:
        return dict(request)
    frame = frame_of(given, columns)
    if frame is None or not (columns or isinstance(given, Mapping)):
        return {"input_data": given, **rest}
    index = [*range(len(frame.data))] if frame.labels is None else frame.labels
    return {"input_data": {"columns": frame.columns, "index": index, "data": frame.data}, **rest}
