"""Values and bytes that nobody foresaw."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st
from support.hostile import HOSTILE

DEEP: Any = []
for _ in range(25):
    DEEP = [DEEP]

ODD_TEXTS = (
    "", " ", "a", "A" * 300, "x" * 5000, "a\0b", "a\nb", "\t", "\u202e", "\ufeff", "é", "e\u0301", "１２",
    "\U0001f600", "İ", "ß", "null", "true", "nan", "-1", "0", "1e999", "0x10", "9" * 400, "{prefix}",
    "{sign-in.subscription}", "{", "}", "{}", "%s", "${x}", "`id`", "$(id)", "'", '"', "\\", "../x",
    "/", "/subscriptions/", "/subscriptions/x/resourceGroups/y/providers/z", "10.0.0.0/8", "0.0.0.0/0",
    "255.255.255.255/32", "10.0.0.1", "::1", "3:30", "2026-01-01", "33%", "0.5", "500m", "1Gi", "-1Gi",
    "=", "<<", "!", "&a", "*a", "- a", "a: b", "#", HOSTILE,
)  # fmt: skip
ODD_NUMBERS = (
    0, -1, 1, 7, 33, 65536, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, 0.1, -0.0, 1e-320, 1e308,
    float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, [], {}, [[]], [{}], [None], {"": None}, {"a": {}}, DEEP, *ODD_NUMBERS, *ODD_TEXTS,
)  # fmt: skip


def odd() -> st.SearchStrategy[Any]:
    """A value of any type, such as JSON has."""
    return st.sampled_from(ODD) | st.text(max_size=12) | st.integers() | st.floats()


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places in a JSON value, its own left out."""
    found: list[tuple[Any, ...]] = []
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            found += [(*path, key), *paths(inner, (*path, key))]
    return found


@st.composite
def changed(draw: st.DrawFn, value: Any, most: int = 3) -> Any:
    """A JSON value of which some parts are another, are missing, or are there twice."""
    tree = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, most))):
        places = paths(tree)
        if not places:
            break
        path = draw(st.sampled_from(places))
        parent = tree
        for key in path[:-1]:
            parent = parent[key]
        way = draw(st.sampled_from(("other", "other", "other", "missing", "renamed", "twice")))
        _change(draw, parent, path[-1], way)
    return tree


def _change(draw: st.DrawFn, parent: Any, key: Any, way: str) -> None:
    if way == "missing":
        del parent[key]
    elif way == "renamed" and isinstance(parent, dict):
        parent[draw(st.sampled_from(ODD_TEXTS))] = parent.pop(key)
    elif way == "twice" and isinstance(parent, list):
        parent += [copy.deepcopy(parent[key])] * draw(st.sampled_from((1, 300)))
    else:
        parent[key] = copy.deepcopy(draw(odd()))
