"""The record of a run: one JSON line per event, written as it happens, readable only by its owner.

It is for playback, reports and audit; the actual state is in the cloud.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from amlwizard.errors import InvalidInputError
from amlwizard.events import Event, attachments, from_json
from amlwizard.json_types import parsed
from amlwizard.language import _
from amlwizard.paths import private, private_folder

NAME = "journal.jsonl"


class Journal:
    """Writes every event at once; attachments become files beside the journal. A device code is not
    part of an event's JSON."""

    def __init__(self, path: Path) -> None:
        private_folder(path.parent)
        self.path = path
        self._out = open(path, "a", encoding="utf-8", opener=private)  # noqa: SIM115 - see close

    def __call__(self, event: Event) -> None:
        for attachment in attachments(event):
            path = self.path.with_name(attachment.name)
            with open(path, "wb", opener=private) as out:
                out.write(attachment.content)
        self._out.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
        self._out.flush()

    def close(self) -> None:
        self._out.close()


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
            _("The journal {path!r} cannot be read.", path=str(path)),
            why=str(error),
            fix=_("Choose another journal."),
        ) from None
    for number, line in enumerate(lines, 1):
        try:
            yield from_json(parsed(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if number == len(lines):
                return
            raise InvalidInputError(
                _("Line {number} of {name} is not an event.", number=number, name=path.name),
                why=str(error),
                fix=_("Choose another journal."),
            ) from None
