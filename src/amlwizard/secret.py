"""Secret values, and the masking of secrets in other texts."""

from __future__ import annotations

import re

SHORTEST = 8  # anything shorter is not a secret, and would mask half of every text

_PATTERN = re.compile(
    r"(?i)(?P<before>bearer\s+|sig=|key=|secret=|password=)[A-Za-z0-9._~+/=-]{8,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}(\.[\w-]*)?"
)
_known: set[str] = set()


class Secret:
    """Holds a key or token; its text forms are stars, and only `reveal` returns the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"


def remember(value: str | None) -> None:
    """Make `hide` mask a secret that is not held as a `Secret`, such as one that an SDK reads or
    holds."""
    if value and len(value) >= SHORTEST:
        _known.add(value)


def hide(text: str) -> str:
    """`text` with known secrets, and anything that looks like one, masked."""
    for value in tuple(_known):
        text = text.replace(value, "***")
    return _PATTERN.sub(lambda found: f"{found['before'] or ''}***", text)
