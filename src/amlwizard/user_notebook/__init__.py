"""Training notebooks of users, and the one that comes along as an example."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from amlwizard.user_notebook.parsing import (
    LARGEST,
    NotebookCell,
    NotebookProblem,
    UserNotebook,
    parse,
)
from amlwizard.user_notebook.standard_mode import refused as refused_in_standard_mode

__all__ = [
    "EXAMPLE",
    "NotebookCell",
    "NotebookProblem",
    "UserNotebook",
    "content_of",
    "parse",
    "read",
    "refused_in_standard_mode",
]

EXAMPLE = "example.py"
"""The file of the example: a ridge regression on the diabetes data."""


def content_of(file: Path | None) -> bytes:
    """What is in a notebook's file; without one, in the example's. Raises OSError."""
    if file is None:
        return (files("amlwizard") / "notebook" / EXAMPLE).read_bytes()
    with file.open("rb") as content:
        return content.read(LARGEST + 1)


def read(file: Path | None) -> UserNotebook:
    """The notebook in a file, or the example. Raises OSError."""
    if file is None:
        return _parsed(EXAMPLE, content_of(None))
    return _parsed(file.name, content_of(file))


@lru_cache(maxsize=8)
def _parsed(name: str, content: bytes) -> UserNotebook:
    """Forms ask at every key."""
    return parse(name, content)
