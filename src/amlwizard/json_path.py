"""Reads JSON documents by dotted paths, and interprets the strings in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def value_at(document: object, path: str) -> Any:  # noqa: ANN401  Azure defines its shape
    """The value at a dotted path (``properties.subnets``), None if any part of it is missing."""
    for part in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(part)
    return document


def fold_case(value: object) -> object:
    """A string in lower case, to compare as Azure does; any other value unchanged."""
    return value.lower() if isinstance(value, str) else value


def resource_name(resource_id: object) -> str:
    """The name at the end of an ARM id, lower case."""
    return str(resource_id or "").rsplit("/", 1)[-1].lower()
