"""Records with a fixed JSON form: results and progress in events and journals."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from typing import Self

from amlwizard.json_types import Document

NOT_IN_JSON: dict[str, str] = {"key": ""}
"""The metadata of a field that is left out of the JSON."""


@dataclass(frozen=True)
class JsonRecord:
    """A field's JSON key is its name, or its metadata ``key``; None or an empty string is left out
    if it is the default."""

    def to_json(self) -> Document:
        pairs = ((f, getattr(self, f.name)) for f in fields(self) if _key(f))
        return {_key(f): value for f, value in pairs if value or value != f.default}

    @classmethod
    def from_json(cls, body: Document) -> Self:
        """Ignores unknown keys. Raises KeyError for a missing one."""
        needed = (f for f in fields(cls) if _key(f) in body or _required(f))
        return cls(**{f.name: body[_key(f)] for f in needed})


def _key(f: Field[object]) -> str:
    return str(f.metadata.get("key", f.name))


def _required(f: Field[object]) -> bool:
    return f.default is MISSING and f.default_factory is MISSING
