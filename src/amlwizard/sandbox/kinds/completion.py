"""What a service adds to a document that was not sent."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def complete(document: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Add what is missing, inside of objects too; lists stay as they are."""
    for key, value in defaults.items():
        given = document.setdefault(key, copy.deepcopy(value))
        if isinstance(given, dict) and isinstance(value, Mapping):
            complete(given, value)
