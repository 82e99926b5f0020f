"""Types for JSON, and the parser for JSON from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from amlwizard.language import _

ODD = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
"""What comes of reading a value that is missing, of another type, or beyond all bounds."""
DEEPEST = 100
"""Levels; code that walks through a value takes frames of Python's stack for each of them."""

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
JsonObject: TypeAlias = Mapping[str, JsonValue]

Document: TypeAlias = Mapping[str, Any]
"""A JSON object that is read key by key, as Azure documents it: a resource, an API's response. Azure
defines its shape, so its values are Any; nothing else should be."""

MutableDocument: TypeAlias = dict[str, Any]
"""A Document under construction."""


class TooDeepError(ValueError):
    """A value has more than DEEPEST levels."""


def parsed(content: str | bytes) -> Any:  # noqa: ANN401  as `json.loads`, whose callers look at it
    """The value of a JSON text. Raises ValueError, TooDeepError for one that is nested without
    end."""
    try:
        value = json.loads(content)
    except RecursionError:
        raise TooDeepError(_("nested too deeply")) from None
    level = [value]
    for _level in range(DEEPEST + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return value
    raise TooDeepError(_("nested too deeply"))


def is_too_deep(content: bytes) -> bool:
    """Whether a text is JSON with more than DEEPEST levels."""
    if content.count(b"[") + content.count(b"{") <= DEEPEST:
        return False
    try:
        parsed(content)
    except ValueError as error:
        return isinstance(error, TooDeepError)
    return False
