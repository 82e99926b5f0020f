"""A value that must not be shown."""

from __future__ import annotations


class Secret:
    """Holds a key or token; its text forms are stars, and only `reveal` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"
