"""The events of a run, as frozen values: the one stream that every front end listens to.

`seq` and `at` are set once, by the engine, before any listener; listeners never read a clock. A
device code is a secret: it exists only in `LoginNeeded`, to be shown to the user, and is left out
of its JSON form, so that no journal or log can contain it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plain_text import PlainText, plain

if TYPE_CHECKING:
    from pydantic import TypeAdapter

R = TypeVar("R", bound=JsonRecord)

Outcome = Literal["done", "kept", "failed", "blocked", "cancelled"]


OURS = ("journal.jsonl", "recipe.yaml")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to an event, such as a picture. The event's JSON contains only its name; the
    content is stored beside the journal. The name is a cloud's word: folders in it are dropped, and
    it is never that of a file that amlwizard keeps there."""

    name: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        name = plain(PurePath(self.name).name)
        is_ours = name.lower() in OURS or not name.strip(".")
        object.__setattr__(self, "name", f"attached-{name}" if is_ours else name)


@dataclass(frozen=True, slots=True)
class StepInfo(PlainText):
    """What a listener needs to draw a step before it starts."""

    id: str
    title: str
    phase: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(PlainText):
    """`seq` counts from 1 within a run; `at` is seconds since the epoch, UTC."""

    kind: ClassVar[str]
    seq: int = 0
    at: float = 0.0

    def to_json(self) -> MutableDocument:
        body = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.repr}
        return {"kind": self.kind, **body}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    kind: ClassVar[str] = "run-started"
    run: str
    recipe: str
    target: str
    steps: tuple[StepInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginNeeded(Event):
    """The user must sign in at `url` before `expires_at` (seconds since the epoch, UTC)."""

    kind: ClassVar[str] = "login-needed"
    step: str
    url: str
    expires_at: float
    user_code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginDone(Event):
    kind: ClassVar[str] = "login-done"
    step: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """`action` is create, update, wait, run or delete; a step that is kept never starts."""

    kind: ClassVar[str] = "step-started"
    step: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress(Event):
    """`data` is what a screen may show beyond the message, such as a metric or a cell's output:
    JSON and attachments. Read back from a journal, an attachment is ``{"file": NAME}``."""

    kind: ClassVar[str] = "step-progress"
    step: str
    message: str
    data: Document = field(default_factory=dict)

    def payload(self, kind: type[R]) -> R | None:
        """The payload, if it is of that kind (one of `payloads`); otherwise None."""
        try:
            return kind.from_json(self.data)
        except KeyError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """Every step of a run gets exactly one. `because` names the step whose failure or cancellation
    caused this outcome.

    A failure has `what`, `why` and `fix`; `code` is the cloud's own error code, if it gave one. For
    a kept step, `what` says why, if that needs an explanation.
    """

    kind: ClassVar[str] = "step-finished"
    step: str
    outcome: Outcome
    outputs: Document = field(default_factory=dict)
    what: str = ""
    why: str = ""
    fix: str = ""
    code: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    kind: ClassVar[str] = "run-finished"
    exit_code: int
    counts: Mapping[str, int]


Emit = Callable[[Event], None]

_KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        RunStarted,
        LoginNeeded,
        LoginDone,
        StepStarted,
        StepProgress,
        StepFinished,
        RunFinished,
    )
}


def from_json(line: Document) -> Event:
    """The event that `to_json` wrote; a device code, which is never written, comes back empty.

    Raises ValueError for a kind or a key that this version does not know, or a value of another
    type.
    """
    body = dict(line)
    cls = _KINDS.get(body.pop("kind", ""))
    if cls is None:
        raise ValueError(_("unknown event kind {kind!r}", kind=line.get("kind")))
    if cls is LoginNeeded:
        body["user_code"] = ""
    _form_of(cls.kind).validate_python(body)  # its errors are ValueErrors
    if cls is RunStarted:
        body["steps"] = tuple(
            StepInfo(**{**step, "after": tuple(step["after"])}) for step in body["steps"]
        )
    try:
        return cls(**body)
    except TypeError as error:
        raise ValueError(str(error)) from None


@cache
def _form_of(kind: str) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(_KINDS[kind])


def attachments(event: Event) -> list[Attachment]:
    """The files attached to an event."""
    data = event.data.values() if isinstance(event, StepProgress) else ()
    return [value for value in data if isinstance(value, Attachment)]


def _plain(value: object) -> object:
    if isinstance(value, Attachment):
        return {"file": value.name}
    if isinstance(value, StepInfo):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
