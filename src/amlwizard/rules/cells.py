"""Checks request values against the column types of a model's signature, as MLflow does."""

from __future__ import annotations

import json
import re

NUMBERS = ("double", "float", "integer", "long")
WHOLE = {"integer": 31, "long": 63}  # bits
STAMP = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?")
SAMPLES: dict[str, object] = {
    **dict.fromkeys(("double", "float"), 0.0), **dict.fromkeys(WHOLE, 0),
    "boolean": False, "datetime": "2026-01-01T00:00:00",
}  # fmt: skip


def wrong(value: object, kind: str) -> str:
    """What is wrong with a value for a column of type `kind`: it is rejected or silently changed.
    Empty if the value is accepted as it is."""
    if kind in NUMBERS:
        return _number(value, kind)
    if kind == "boolean":
        return "" if isinstance(value, bool) else f"{_shown(value)} is not true or false"
    if kind == "datetime":
        return _stamp(value)
    if kind == "string" and isinstance(value, (list, dict)):
        return f"{_shown(value)} is no text"
    return ""


def _number(value: object, kind: str) -> str:
    number = _read(value)
    if number is None:
        return f"{_shown(value)} is not a number"
    if kind in WHOLE:
        if number != int(number):
            return f"{_shown(value)} is not a whole number; it would be cut to {int(number)}"
        if not -(2 ** WHOLE[kind]) <= number < 2 ** WHOLE[kind]:
            return f"{_shown(value)} is too large for the type {kind}"
    return ""


def _read(value: object) -> float | int | None:
    """A number, or a string that is cast to one; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    try:
        number = float(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if number is None or number - number else number  # no infinity, no NaN


def _stamp(value: object) -> str:
    if isinstance(value, (int, float)):
        return f"{_shown(value)} would be read as nanoseconds since 1970"
    if value is None or (isinstance(value, str) and STAMP.fullmatch(value)):
        return ""
    return f"{_shown(value)} is no time in ISO form without a zone"


def _shown(value: object) -> str:
    return json.dumps(value)[:40]
