"""Values that must not be shown, and texts of others in which they might stand."""

from __future__ import annotations

import re

SHORTEST = 8  # what is shorter is no secret, and would hide half of every text

_PATTERN = re.compile(
    r"(?i)(?P<before>bearer\s+|sig=|key=|secret=|password=)[A-Za-z0-9._~+/=-]{8,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}(\.[\w-]*)?"
)
_known: set[str] = set()


class Secret:
    """Holds a key or token; its text forms are stars, and only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"


def remember(value: str | None) -> None:
    """Let `hide` find a secret that is not kept as one: what an SDK reads or holds itself."""
    if value and len(value) >= SHORTEST:
        _known.add(value)


def hide(text: str) -> str:
    """`text` without the secrets that are known, and without whatever looks like one."""
    for value in tuple(_known):
        text = text.replace(value, "***")
    return _PATTERN.sub(lambda found: f"{found['before'] or ''}***", text)
