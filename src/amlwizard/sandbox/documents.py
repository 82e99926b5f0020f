"""JSON documents: their types and common helpers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

JsonObject = dict[str, Any]
"""An ARM document or a part of one. Members are accessed without further checks: what clients send
has been validated (`resource_types.shapes`), everything else was written by the sandbox."""

__all__ = ["JsonObject", "JsonValue", "complete", "merged", "mistakes", "value_at"]


def value_at(document: object, path: str) -> Any:  # noqa: ANN401 - as of the document itself
    """The value at a dotted path (``properties.subnets.0.name``), None if there is none."""
    for part in path.split("."):
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, Mapping):
            document = document.get(part)
        else:
            return None
    return document


def complete(document: JsonObject, defaults: Mapping[str, object]) -> None:
    """Add missing members, in nested objects too; lists are left alone."""
    for key, value in defaults.items():
        given = document.setdefault(key, copy.deepcopy(value))
        if isinstance(given, dict) and isinstance(value, Mapping):
            complete(given, value)


def merged(old: JsonObject, patch: JsonObject) -> JsonObject:
    """A JSON merge patch (RFC 7396), except that null is kept as a value."""
    result = dict(old)
    for key, value in patch.items():
        held = old.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            value = merged(held, value)
        result[key] = value
    return result


def mistakes(problem: ValidationError) -> list[str]:
    """The validation errors, one line each, starting with the dotted path."""
    lines = []
    for error in problem.errors():
        path, message = ".".join(map(str, error["loc"])), error["msg"]
        if error["type"] == "extra_forbidden":
            message = "unknown"
        lines.append(f"{path}: {message}" if path else message)
    return lines
