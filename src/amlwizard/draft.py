"""Saved sessions of the wizard: the answers so far and the current page. There is a file for each
session, so that a closed terminal loses nothing and a new session overwrites none. There is no
field for a secret, so the files contain none."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import uuid4

from amlwizard import fields, processes, recipe
from amlwizard.app.port import TargetName
from amlwizard.errors import InvalidInputError
from amlwizard.json_types import MutableDocument, parsed
from amlwizard.language import _
from amlwizard.paths import private_folder, write
from amlwizard.plain_text import plain_value
from amlwizard.processes import Process

VERSION = 2


def new_id() -> str:
    """An id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"


@dataclass
class Draft:
    """A session of the wizard. `answers` are raw values by section, as in a recipe's YAML, valid or
    not. `page` is the current page, `visited` the earlier ones; `run` is the id of the last run,
    `saved` the file that the recipe was saved in, `as_saved` whether it still holds these answers. `owner` is the process that saved it last, as
    `processes.Process` writes it. `changed` is the time of the last save, seconds
    since the epoch."""

    answers: MutableDocument = field(default_factory=dict)
    target: TargetName = "sandbox"
    page: str = "welcome"
    visited: list[str] = field(default_factory=list)
    run: str = ""
    saved: str = ""
    as_saved: bool = False
    id: str = field(default_factory=new_id)
    changed: float = 0.0
    owner: str = ""

    @property
    def holder(self) -> Process | None:
        """Another process that has it open; None if there is none."""
        found = processes.parse(self.owner)
        return None if found is None or found.ended or found == processes.current() else found

    def copy(self) -> Draft:
        """The same answers as a session of its own."""
        return replace(self, id=new_id(), owner="", answers=deepcopy(self.answers))

    @property
    def folder(self) -> Path:
        """Where the files are that the answers name: beside the recipe's file, if there is one."""
        return Path(self.saved).parent if self.saved else Path()

    def detach(self) -> None:
        """Begin from the recipe's file without ever saving into it: the notebook beside it is named by
        its whole path."""
        notebook = self.value("training.notebook")
        if isinstance(notebook, str):
            self.put("training.notebook", str((self.folder / notebook).resolve()))
        self.saved, self.as_saved = "", False

    def value(self, path: str) -> object:
        return recipe.given(self.answers, path)

    def put(self, path: str, value: object) -> None:
        """Set an answer; None removes it, so that its default applies (or an unknown key goes)."""
        self.as_saved = False
        recipe.put(self.answers, path, value)


def new() -> Draft:
    """A draft in which every question that has a default is answered."""
    return Draft(answers=fields.start())


def from_raw(raw: Mapping[str, object]) -> Draft:
    """A draft with the answers of a recipe, valid or not. What it leaves out is answered by its
    default."""
    given = {name: value for name, value in plain_value(raw).items() if name != "version"}
    for section, defaults in fields.defaults().items():
        answers = {} if given.get(section) is None else given[section]
        given[section] = {**defaults, **answers} if isinstance(answers, dict) else answers
    return Draft(answers=given)


def from_file(path: Path) -> Draft:
    """A draft with the answers of a recipe file. Raises InvalidInputError if it is not usable
    YAML."""
    reading = recipe.read(path)
    if not reading.raw:
        raise InvalidInputError(_("{path} cannot be read.", path=path), findings=reading.findings)
    draft = from_raw(reading.raw)
    draft.as_saved = True
    for finding in reading.findings:  # in a form, 1.30 is text without quotes
        for place, value in finding.cure.items():
            if isinstance(value, str) and not isinstance(draft.value(place), str | None):
                draft.put(place, value)
    draft.saved = str(path)
    return draft


class DraftStore:
    """The files of unfinished sessions, readable only by their owner and written atomically."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self.folder, self._now = folder, now

    def _file(self, draft: Draft) -> Path:
        return self.folder / f"{draft.id}.json"

    def unfinished(self) -> list[Draft]:
        """The saved sessions, newest first; files that this version cannot read are left out."""
        drafts = [read(path) for path in self.folder.glob("*.json")]
        return sorted((d for d in drafts if d), key=lambda draft: -draft.changed)

    def save(self, draft: Draft) -> None:
        """Raises OSError if the file cannot be written."""
        draft.changed, draft.owner = self._now(), str(processes.current())
        body = {"version": VERSION, **asdict(draft)}
        text = json.dumps(body, ensure_ascii=False, indent=1, default=str)
        write(private_folder(self.folder) / self._file(draft).name, text)

    def forget(self, draft: Draft) -> None:
        with contextlib.suppress(OSError):
            self._file(draft).unlink(missing_ok=True)


def read(path: Path) -> Draft | None:
    """The draft in a file; None if this version cannot read it."""
    try:
        given = parsed(path.read_text(encoding="utf-8"))
        version = given.pop("version")
        if version not in (1, VERSION):
            return None
        if version == 1:
            given["answers"] = recipe.examine(given["answers"]).raw
        draft = Draft(**plain_value(given))
        return draft if draft.id == path.stem and _is_whole(draft) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_whole(draft: Draft) -> bool:
    """Whether every value has the type that `save` writes."""
    texts = (draft.page, draft.run, draft.saved, draft.owner)
    return (
        isinstance(draft.answers, dict)
        and draft.target in get_args(TargetName)
        and all(isinstance(text, str) for text in texts)
        and isinstance(draft.visited, list)
        and all(isinstance(page, str) for page in draft.visited)
        and isinstance(draft.changed, int | float)
    )
