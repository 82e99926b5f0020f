"""Types for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
JsonObject: TypeAlias = Mapping[str, JsonValue]

Document: TypeAlias = Mapping[str, Any]
"""A JSON object that is read key by key, as Azure documents it: a resource, an API's response. Azure
defines its shape, so its values are Any; nothing else should be."""

MutableDocument: TypeAlias = dict[str, Any]
"""A Document under construction."""
