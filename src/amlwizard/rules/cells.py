"""Values of a request against the types of a model's signature: how they are written, and what would
be refused or silently changed. MLflow and pandas judge them so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.language import _
from amlwizard.rules import labels

WHOLE = {"integer": 31, "long": 63}  # bits
FRACTIONS = ("double", "float")
SAMPLES: dict[str, JsonValue] = {
    **dict.fromkeys(FRACTIONS, 0.0), **dict.fromkeys(WHOLE, 0),
    "boolean": False, "datetime": "2026-01-01T00:00:00",
}  # fmt: skip
YEARS = range(1678, 2262)  # of a time in nanoseconds
LARGEST_FLOAT = 3.4e38
STAMP = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?")
# Names of columns that pandas reads as times, whatever their type, where their values could be.
LIKE_TIMES = re.compile(r".*_at|.*_time|timestamp.*|modified|date", re.IGNORECASE | re.DOTALL)
FIRST_SECOND = 31_536_000  # of the numbers that it takes for times


def sample(spec: JsonObject) -> JsonValue:
    """A value of a type: zero, false, an empty text; of a nested type with all that it contains."""
    match spec:
        case {"type": "array", "items": Mapping() as items}:
            return [sample(items)]
        case {"type": "object", "properties": Mapping() as properties}:
            return {n: sample(each) for n, each in properties.items() if isinstance(each, Mapping)}
        case {"type": "map", "values": Mapping() as values}:
            return {"key": sample(values)}
    return SAMPLES.get(str(spec.get("type")), "")


def sent(value: JsonValue, spec: JsonObject) -> JsonValue:
    """The value as its type is written in JSON: 2 as 2.0 where fractions are taken, as MLflow refuses
    whole numbers there, and "3" as 3. What cannot be written so stays as it is."""
    match spec:
        case {"type": "array", "items": Mapping() as items} if isinstance(value, list):
            return [sent(one, items) for one in value]
        case {"type": "object", "properties": Mapping() as inner} if isinstance(value, Mapping):
            return {name: sent(one, _of(inner, name)) for name, one in value.items()}
        case {"type": "map", "values": Mapping() as values} if isinstance(value, Mapping):
            return {name: sent(one, values) for name, one in value.items()}
    kind = spec.get("type")
    if kind == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    if kind not in FRACTIONS and kind not in WHOLE:
        return value
    number = _read(value)
    if number is None:
        return value
    if kind in FRACTIONS:
        return _float(number)
    return int(number) if number == int(number) else number


def _of(properties: JsonObject, name: str) -> JsonObject:
    spec = properties.get(name)
    return spec if isinstance(spec, Mapping) else {}


def wrong(value: JsonValue, spec: JsonObject) -> str:
    """A sentence on what is wrong with a value of the type `spec`: it is rejected or silently changed.
    Empty if the value is accepted as it is."""
    judge = JUDGES.get(str(spec.get("type")))
    return judge(value, spec) if judge else ""


def doubtful(value: JsonValue, spec: JsonObject, name: str) -> str:
    """A sentence on what not every model takes, though its signature does, in the column `name`; empty
    if there is nothing."""
    kind = spec.get("type")
    if value is None and (kind in FRACTIONS or kind == "string"):
        return _("null becomes NaN, which not every model takes.")
    if kind == "string" and not isinstance(value, str):
        return _("{value} reaches the model as it is, not as text.", value=_shown(value))
    if kind != "datetime" and LIKE_TIMES.fullmatch(name) and _could_be_time(value):
        return _("{value} is read as a time, because of the column's name.", value=_shown(value))
    return ""


def _could_be_time(value: JsonValue) -> bool:
    if isinstance(value, str):
        return labels.is_time(value)
    return isinstance(value, (int, float)) and value > FIRST_SECOND


def _number(value: JsonValue, spec: JsonObject) -> str:
    number, kind = _read(value), str(spec["type"])
    if number is None:
        taken = value is None and kind in FRACTIONS
        return "" if taken else _("{value} is not a number.", value=_shown(value))
    if kind in WHOLE:
        if number != int(number):
            return _(
                "{value} is not a whole number; it would be cut to {whole}.",
                value=_shown(value),
                whole=int(number),
            )
        if not -(2 ** WHOLE[kind]) <= number < 2 ** WHOLE[kind]:
            return _("{value} is too large for the type {type}.", value=_shown(value), type=kind)
    if kind == "float" and abs(number) > LARGEST_FLOAT:
        return _("{value} is too large for the type {type}.", value=_shown(value), type=kind)
    return ""


def _read(value: JsonValue) -> float | int | None:
    """A number, or a string that is cast to one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return None if number - number else number  # no infinity, no NaN


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return number


def _boolean(value: JsonValue, spec: JsonObject) -> str:
    return (
        "" if isinstance(value, bool) else _("{value} is not true or false.", value=_shown(value))
    )


def _stamp(value: JsonValue, spec: JsonObject) -> str:
    if isinstance(value, (int, float)):
        return _("{value} would be read as nanoseconds since 1970.", value=_shown(value))
    if value is None or (isinstance(value, str) and _is_time(value)):
        return ""
    return _("{value} is not a time in ISO form without a zone.", value=_shown(value))


def _is_time(text: str) -> bool:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return False
    return bool(STAMP.fullmatch(text)) and time.year in YEARS


def _text(value: JsonValue, spec: JsonObject) -> str:
    return (
        _("{value} is not text.", value=_shown(value)) if isinstance(value, (list, Mapping)) else ""
    )


def _array(value: JsonValue, spec: JsonObject) -> str:
    items = spec.get("items")
    if not isinstance(value, list):
        return _("{value} is not a list.", value=_shown(value))
    return _first({f"[{n}]": one for n, one in enumerate(value)}, lambda place: items)


def _object(value: JsonValue, spec: JsonObject) -> str:
    properties = spec.get("properties")
    if not isinstance(value, Mapping):
        return _("{value} is not an object.", value=_shown(value))
    if not isinstance(properties, Mapping):
        return ""
    required = (n for n in properties if _of(properties, n).get("required") is not False)
    missing = [name for name in required if name not in value]
    if missing:
        return _("it has no {names}.", names=", ".join(missing))
    more = [name for name in value if name not in properties]
    if more:
        return _("the model does not know {names}.", names=", ".join(more)[:80])
    return _first(value, properties.get)


def _map(value: JsonValue, spec: JsonObject) -> str:
    if not isinstance(value, Mapping):
        return _("{value} is not an object.", value=_shown(value))
    return _first(value, lambda name: spec.get("values"))


def _first(values: JsonObject, spec_of: Callable[[str], JsonValue]) -> str:
    """The first thing that is wrong with values of a nested one."""
    for name, value in values.items():
        spec = spec_of(name)
        if not isinstance(spec, Mapping) or (value is None and spec.get("required") is False):
            continue
        if found := wrong(value, spec):
            return f"{name}: {found}"
    return ""


JUDGES: Mapping[str, Callable[[JsonValue, JsonObject], str]] = {
    **dict.fromkeys((*FRACTIONS, *WHOLE), _number),
    "boolean": _boolean, "datetime": _stamp, "string": _text,
    "array": _array, "object": _object, "map": _map,
}  # fmt: skip


def _shown(value: JsonValue) -> str:
    return json.dumps(value)[:40]
