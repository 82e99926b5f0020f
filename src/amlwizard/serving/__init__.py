"""The scoring script of a deployment that brings its own: a file that runs in the endpoint's
container, verbatim."""

from __future__ import annotations

import hashlib
from importlib.resources import files

SCRIPT, CHECK = "score.py", "check.py"


def source(name: str = SCRIPT) -> str:
    """The text of the scoring script, or of the program that checks a model with it."""
    return (files(__name__) / name).read_text(encoding="utf-8")


def version(text: str) -> str:
    """A short hash (16 hex digits) of a scoring script."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
