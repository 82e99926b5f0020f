"""What a step's progress carries beyond its message, for whoever shows more than a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from amlwizard.events import Attachment
from amlwizard.json_record import NOT_IN_JSON, JsonRecord
from amlwizard.json_types import Document, JsonValue


@dataclass(frozen=True)
class CellStarted(JsonRecord):
    """A notebook cell, numbered from 1."""

    cell: int
    title: str


@dataclass(frozen=True)
class CellFinished(JsonRecord):
    """`text` is what it printed, `result` the JSON that it put out. `files` are among its keys by
    their names; read back from a journal they have no content."""

    cell: int
    title: str
    text: str
    seconds: float
    result: Mapping[str, Any] | None = None
    files: tuple[Attachment, ...] = field(default=(), metadata=NOT_IN_JSON)

    def to_json(self) -> Document:
        return {**JsonRecord.to_json(self), **{file.name: file for file in self.files}}

    @classmethod
    def from_json(cls, body: Document) -> Self:
        known = cls(body["cell"], body["title"], body["text"], body["seconds"], body.get("result"))
        return cls(**{**vars(known), "files": tuple(_files(body))})


def _files(body: Document) -> list[Attachment]:
    named = [v for v in body.values() if isinstance(v, Mapping) and set(v) == {"file"}]
    there = [value for value in body.values() if isinstance(value, Attachment)]
    return [*there, *(Attachment(str(value["file"]), b"") for value in named)]


@dataclass(frozen=True)
class FindingReported(JsonRecord):
    """`finding` is the JSON of an `errors.Finding`."""

    finding: Document


@dataclass(frozen=True)
class PostureJudged(JsonRecord):
    """`posture` is the JSON of a `posture.Posture`."""

    posture: Document


@dataclass(frozen=True)
class RequestReshaped(JsonRecord):
    """A scoring request as it was given, and the form in which the model takes it."""

    given: Document
    sent: Document


@dataclass(frozen=True)
class DnsRecordNeeded(JsonRecord):
    """`record` is the DNS record that the endpoint's name lacks: ``score.example.com A 10.1.2.3``."""

    record: str


@dataclass(frozen=True)
class ScoringResponse(JsonRecord):
    """A scoring request as it was sent, and its answer, of whatever status. `response` is JSON, or
    text where it is none; `curl` the same request as a command, its key masked. Where the status is
    400 or more, `why` is what the container wrote of it, and `fix` what to do. `dns_record` is one
    that the endpoint's name lacks."""

    request: Document
    status: int
    response: JsonValue
    seconds: float
    curl: str
    fix: str = field(default="", metadata=NOT_IN_JSON)
    why: str = field(default="", metadata=NOT_IN_JSON)
    dns_record: str = field(default="", metadata=NOT_IN_JSON)
