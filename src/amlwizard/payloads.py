"""What a step's progress carries beyond its message, for front ends that show more than a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from amlwizard.events import Attachment
from amlwizard.json_record import NOT_IN_JSON, JsonRecord
from amlwizard.json_types import Document, JsonValue
from amlwizard.plain_text import PlainText


@dataclass(frozen=True)
class CellStarted(JsonRecord):
    """A notebook cell, numbered from 1."""

    cell: int
    title: str


@dataclass(frozen=True)
class CellFinished(JsonRecord):
    """`text` is what the cell printed, `result` its JSON output. In the JSON each of `files` has
    its own name as key; read back from a journal they have no content."""

    cell: int
    title: str
    text: str
    seconds: float
    result: Document | None = None
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
    """A scoring request as given, and in the form that the model accepts."""

    given: Document
    sent: Document


@dataclass(frozen=True)
class DnsRecordNeeded(JsonRecord):
    """`record` is the DNS record that the endpoint's name lacks: ``score.example.com A 10.1.2.3``."""

    record: str


@dataclass(frozen=True)
class ScoringResponse(PlainText, JsonRecord):
    """A scoring request as sent, and its response, of any status. `response` is JSON, or text if it
    is not JSON; `curl` is the same request as a command, with the key in the variable KEY. If the status is 400 or
    more, `why` is the container's error, and `fix` what to do. `dns_record` is one that the
    endpoint's name lacks."""

    request: Document
    status: int
    response: JsonValue
    seconds: float
    curl: str
    fix: str = field(default="", metadata=NOT_IN_JSON)
    why: str = field(default="", metadata=NOT_IN_JSON)
    dns_record: str = field(default="", metadata=NOT_IN_JSON)
