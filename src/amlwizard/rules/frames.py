"""Reads the rows of a scoring request from any form that users write: columns and data, rows, records,
a list for each column, one record, CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from amlwizard.json_types import JsonValue
from amlwizard.rules.model_input import Column

Columns = Mapping[str, Column]
"""Columns by name, in the model's order; empty if not known."""


class Frame(NamedTuple):
    """Rows by column; `columns` is empty where nothing names them. `labels` is the index, one per
    row; None if the request has none."""

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
        return Frame([*columns], [[one] for one in given] if len(columns) == 1 else [given])
    return None


def _of_mapping(given: Mapping[str, JsonValue], columns: Columns) -> Frame | None:
    names, data = given.get("columns"), given.get("data")
    if isinstance(data, list) and given.keys() <= {"columns", "index", "data"}:
        named = [str(name) for name in names] if isinstance(names, list) else [*columns]
        index = given.get("index")
        labels = index if isinstance(index, list) else None
        return Frame(named, data, labels) if all(isinstance(row, list) for row in data) else None
    if columns and not columns.keys() & given.keys():
        return None
    lists = [
        value
        for name, value in given.items()
        if isinstance(value, list) and _is_column(value, columns.get(name))
    ]
    if len(lists) < len(given):
        return _of_records([given], columns)
    if len({len(values) for values in lists}) == 1:
        return Frame([*given], [list(row) for row in zip(*lists, strict=True)])
    return None


def _is_column(values: Sequence[JsonValue], column: Column | None) -> bool:
    """Whether a list holds values of a column, and is not one of them."""
    nested = column is not None and column.type == "array"
    return not nested or all(isinstance(one, list) for one in values)


def _of_records(records: Sequence[Mapping[str, JsonValue]], columns: Columns) -> Frame | None:
    """A frame with the columns that all records have, and optional ones. Any other that is missing
    from a record would make its row too short."""
    named = dict.fromkeys(name for record in records for name in record)
    optional = {name for name, column in columns.items() if not column.required}
    kept = [n for n in named if n in optional or all(n in record for record in records)]
    ordered = [name for name in columns if name in kept]
    ordered += [name for name in kept if name not in columns]
    return Frame(ordered, [[record.get(name) for name in ordered] for record in records])


def of_csv(text: str, columns: Columns) -> Frame | None:
    """The rows of a CSV, with or without a line of names; None if the text is none. Empty cells are
    null."""
    lines = [line for line in text.splitlines() if line.strip()]
    separator = next((one for one in "\t;," if lines and one in lines[0]), ",")
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    if not rows or len({len(row) for row in rows}) > 1:
        return None
    first = rows[0]
    headed = bool(columns.keys() & set(first)) or (not columns and not any(map(_number, first)))
    names, data = (first, rows[1:]) if headed else ([*columns], rows)
    if not data or (names and len(names) != len(first)):
        return None
    if not names:
        return Frame([], [[_cell(cell, None) for cell in row] for row in data])
    return Frame(names, [[_cell(cell, columns.get(n)) for n, cell in zip(names, row, strict=True)]
                         for row in data])  # fmt: skip


def _cell(text: str, column: Column | None) -> JsonValue:
    """A cell's value; where the column's type is not known, a number if it looks like one."""
    if not text:
        return None
    number = _number(text) if column is None or not column.type else None
    return text if number is None else number


def _number(text: str) -> JsonValue:
    try:
        value = json.loads(text, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
