"""A run as its journal recorded it."""

from __future__ import annotations

from pathlib import Path

from amlwizard import journal
from amlwizard.errors import InvalidInputError
from amlwizard.view import RunView


def view_of(path: Path) -> RunView | None:
    """The view of a run at the end of its journal; None if that cannot be read."""
    view = RunView()
    try:
        for event in journal.read(path):
            view = view.apply(event)
    except (InvalidInputError, KeyError):
        return None
    return view
