"""Shows the answers of a model: any JSON on a line or as a small table, and where it differs from
what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

from amlwizard.json_types import JsonValue
from amlwizard.language import _

LONGEST = 60  # characters of JSON on a line
WIDEST = 24  # characters of a cell
MOST = 100  # rows of a table


def on_a_line(answer: JsonValue, most: int = 10, between: str = ", ") -> str:
    """An answer on one line: the first `most` numbers or texts, else the beginning of its JSON; and
    how many there are, where these are not all."""
    if _is_list(answer) and not any(map(_is_nested, answer)):
        shown = between.join(map(_plain, answer[:most]))
        return (
            shown
            if len(answer) <= most
            else _("{first}… ({count} in all)", first=shown + between, count=len(answer))
        )
    text = _plain(answer)
    if len(text) <= LONGEST:
        return text
    count = " " + _("({count} in all)", count=len(answer)) if _is_list(answer) else ""
    return f"{text[:LONGEST]}…{count}"


def in_lines(answer: JsonValue) -> Iterator[str]:
    """An answer line by line: numbered, where it is a list; records as a table; else its JSON."""
    if isinstance(answer, str):
        yield answer
    elif _is_list(answer) and answer:
        yield from _table(answer[:MOST])
        if len(answer) > MOST:
            yield _("… {count} in all", count=len(answer))
    else:
        yield from json.dumps(answer, indent=2, ensure_ascii=False).splitlines()


def _table(rows: Sequence[JsonValue]) -> Iterator[str]:
    records = [row for row in rows if isinstance(row, Mapping)]
    if len(records) == len(rows):
        names = [*dict.fromkeys(name for record in records for name in record)]
        cells = [
            [_cell(record[name]) if name in record else "" for name in names] for record in records
        ]
        yield from _aligned([["", *names], *_numbered(cells)])
    elif all(_is_list(row) and not any(map(_is_nested, row)) for row in rows):
        yield from _aligned(_numbered([[_cell(v) for v in row] for row in rows if _is_list(row)]))
    else:
        yield from (f"{number:>3}  {_plain(row)}" for number, row in enumerate(rows, 1))


def _numbered(rows: Sequence[list[str]]) -> list[list[str]]:
    return [[f"{number:>3}", *row] for number, row in enumerate(rows, 1)]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    columns = max(map(len, rows))
    widths = [max(len(row[n]) for row in rows if n < len(row)) for n in range(columns)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield "  ".join(cells).rstrip()


def _cell(value: JsonValue) -> str:
    text = _plain(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _plain(value: JsonValue) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 1e9 else f"{value:.4g}"
    is_line = isinstance(value, str) and value.isprintable()
    return str(value) if is_line else json.dumps(value, ensure_ascii=False)


def _is_list(value: JsonValue) -> TypeGuard[Sequence[JsonValue]]:
    return isinstance(value, (list, tuple))


def _is_nested(value: JsonValue) -> bool:
    return _is_list(value) or isinstance(value, Mapping)


def _is_number(value: JsonValue) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def difference(wanted: JsonValue, got: JsonValue, tolerance: float, path: str = "$") -> str:
    """The first difference between two answers, with its JSON path; empty if numbers differ by
    `tolerance` at most and nothing else does."""
    if _is_number(wanted) and _is_number(got):
        if abs(wanted - got) <= tolerance:
            return ""
        return _(
            "at {path} {wanted} within {tolerance} is expected, and {got} came",
            path=path,
            wanted=wanted,
            tolerance=tolerance,
            got=got,
        )
    if _is_list(wanted) and _is_list(got):
        if len(wanted) != len(got):
            return _(
                "at {path} {count} values are expected, and {got} came",
                path=path,
                count=len(wanted),
                got=len(got),
            )
        pairs = ((f"[{n}]", w, g) for n, (w, g) in enumerate(zip(wanted, got, strict=True)))
    elif isinstance(wanted, Mapping) and isinstance(got, Mapping):
        odd = [name for name in (*wanted, *got) if (name in wanted) != (name in got)][:1]
        for name in odd:
            if name in wanted:
                return _("at {path} {name} is missing", path=path, name=json.dumps(name))
            return _("at {path} {name} is not expected", path=path, name=json.dumps(name))
        pairs = ((f".{name}", w, got[name]) for name, w in wanted.items())
    elif wanted == got and isinstance(wanted, bool) == isinstance(got, bool):
        return ""
    else:
        return _(
            "at {path} {wanted} is expected, and {got} came",
            path=path,
            wanted=_short(wanted),
            got=_short(got),
        )
    return next(filter(None, (difference(w, g, tolerance, path + n) for n, w, g in pairs)), "")


def _short(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)[:LONGEST]
