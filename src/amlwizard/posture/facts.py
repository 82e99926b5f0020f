"""What was seen of a platform, as plain values: ARM documents, and what was tried from both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amlwizard.json_types import Document


class NotSeenError(Exception):
    """There is no evidence: it could not be looked at, or was not asked for. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LeftOutError(NotSeenError):
    """A side that the person did not want to be looked from: no evidence is missed."""

    def __init__(self) -> None:
        super().__init__("left out")


UNTRUSTED = "CertificateVerifyFailed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to: an HTTP status with the service's own code, or why none came."""

    status: int = 0
    code: str = ""
    error: str = ""

    @property
    def came(self) -> bool:
        """Whether anybody answered at all: with a certificate that is not trusted, too."""
        return self.status > 0 or self.error == UNTRUSTED

    def __str__(self) -> str:
        if self.error == UNTRUSTED:
            return "an answer with a certificate that is not trusted here"
        if not self.status:
            return f"no answer ({self.error})" if self.error else "no answer"
        return f"HTTP {self.status}" + (f" {self.code}" if self.code else "")


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of the VNET's border saw: addresses by name, answers by what was called."""

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """`documents` by role (``storage``, ``public-ips``...): an ARM document or a list of them, None
    where there is none. A role that could not be read is in `unread`, with the reason. A side is a
    reason where it could not be looked from, None where it was left out."""

    documents: Mapping[str, Any]
    unread: Mapping[str, str] = field(default_factory=dict)
    outside: Side | str | None = None
    inside: Side | str | None = None

    def document(self, role: str) -> Any:
        """The document of a role, None where there is none; NotSeenError where it could not be read."""
        if role in self.unread:
            raise NotSeenError(self.unread[role])
        return self.documents.get(role)

    def listed(self, role: str) -> list[Document]:
        return list(self.document(role) or [])

    def name(self, side: str, name: str) -> list[str]:
        """The addresses of a name from a side; empty where it has none there."""
        return sorted(self._side(side).names.get(name) or [])

    def answer(self, side: str, what: str) -> Answer:
        try:
            return self._side(side).answers[what]
        except KeyError:
            raise NotSeenError("not tried") from None

    def _side(self, side: str) -> Side:
        found = self.outside if side == "outside" else self.inside
        if found is None:
            raise LeftOutError
        if isinstance(found, str):
            raise NotSeenError(found)
        return found
