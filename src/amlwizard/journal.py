"""The record of a run: one JSON line per event, written as it happens, readable only by its owner.

It is for playback, reports and audit; the actual state is in the cloud.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from amlwizard.errors import InvalidInputError
from amlwizard.events import Event, attachments, from_json

NAME = "journal.jsonl"


class Journal:
    """Writes every event at once; attachments become files beside the journal. A device code is not
    part of an event's JSON."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._out = os.fdopen(_opened(path, os.O_APPEND), "w", encoding="utf-8")

    def __call__(self, event: Event) -> None:
        for attachment in attachments(event):
            path = self.path.with_name(attachment.name)
            with os.fdopen(_opened(path, os.O_TRUNC), "wb") as out:
                out.write(attachment.content)
        self._out.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
        self._out.flush()

    def close(self) -> None:
        self._out.close()


def _opened(path: Path, how: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)


def newest(runs: Path, count: int = 20) -> list[Path]:
    """The journals of the newest runs, newest first. `runs` holds a folder per run, whose names
    sort by time."""
    folders = sorted((path for path in runs.glob("*/") if path.is_dir()), reverse=True)
    return [folder / NAME for folder in folders[:count]]


def read(path: Path) -> Iterator[Event]:
    """The events of a journal. A truncated last line is left out; InvalidInputError names any other
    line that is not an event."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"The journal {str(path)!r} cannot be read.", why=str(error), fix="Name another."
        ) from None
    for number, line in enumerate(lines, 1):
        try:
            yield from_json(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if number == len(lines):
                return
            raise InvalidInputError(
                f"Line {number} of {path.name} is no event.", why=str(error), fix="Name another."
            ) from None
