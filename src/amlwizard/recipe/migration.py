"""Recipes of version 1, read as version 2: the same platform, model and expectations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from amlwizard.errors import Finding
from amlwizard.language import _, listed

PARAMETERS = ("alpha", "test_size", "random_state")
ROWS = ("training_rows", "test_rows")
NOW = {
    **{f"training.{name}": f"training.parameters.{name}" for name in PARAMETERS},
    "expect.rows": listed([f"expect.metrics.{name}" for name in ROWS]),
    "expect.mse": "expect.metrics.mse",
}
"""The keys of version 1 that have other names in version 2."""


def migrated(
    raw: Mapping[str, object], lines: Mapping[str, int]
) -> tuple[dict[str, object], dict[str, int], list[Finding]]:
    """The raw values of a recipe in the form of version 2, with the lines of the file that they stand
    in, and a warning that says what was read otherwise."""
    after, at = {**raw, "version": 2}, dict(lines)
    moved = [*_moved("training", "parameters", after, at), *_moved("expect", "metrics", after, at)]
    if not moved:
        return after, at, []
    renamed = [_("{old} as {new}", old=path, new=NOW[path]) for path in moved]
    warning = Finding(
        "recipe-version",
        "warning",
        ("version",),
        _("Version 1 is read as version 2: {renamed}.", renamed=_(", ").join(renamed)),
        fix=_("Nothing has to be done: saving it in the wizard writes version 2."),
        line=lines.get("version"),
    )
    return after, at, [warning]


def _moved(section: str, to: str, raw: dict[str, object], lines: dict[str, int]) -> list[str]:
    """Move the keys of a section that have other names now; returns their paths in version 1."""
    given = raw.get(section)
    if not isinstance(given, Mapping):
        return []
    old = [path for path in NOW if path.startswith(f"{section}.") and _name(path) in given]
    new: dict[str, object] = {}
    for path in old:
        for name, value in _renamed(_name(path), given[_name(path)]):
            new[name] = value
            if path in lines:
                lines.setdefault(f"{section}.{to}.{name}", lines[path])
    rest = {name: value for name, value in given.items() if f"{section}.{name}" not in old}
    there = rest.get(to)
    if new and (there is None or isinstance(there, Mapping)):
        rest[to] = {**new, **(there or {})}
    raw[section] = rest
    return old


def _name(path: str) -> str:
    return path.partition(".")[2]


def _renamed(name: str, value: object) -> Iterator[tuple[str, object]]:
    if value is None:
        return
    if name in PARAMETERS:
        yield name, value
    elif name == "rows" and isinstance(value, list) and len(value) == len(ROWS):
        yield from ((row, {"value": count}) for row, count in zip(ROWS, value, strict=True))
    else:
        yield name, {"value": value}
