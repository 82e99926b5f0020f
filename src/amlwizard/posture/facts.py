"""Facts about a platform as plain values: ARM documents, and observations from both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from amlwizard.json_types import Document
from amlwizard.language import _


class NotSeenError(Exception):
    """There is no evidence: it could not be obtained, or was not requested. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LeftOutError(NotSeenError):
    """The user excluded this side, so its evidence does not count as missing."""

    def __init__(self) -> None:
        super().__init__(_("left out"))


UNTRUSTED = "CertificateVerifyFailed"


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """The outcome of a request: HTTP status and the service's error code, or why there is none."""

    status: int = 0
    code: str = ""
    error: str = ""

    @property
    def came(self) -> bool:
        """Whether there was a response at all, even one with an untrusted certificate."""
        return self.status > 0 or self.error == UNTRUSTED

    def __str__(self) -> str:
        if self.error == UNTRUSTED:
            return _("an answer with a certificate that is not trusted here")
        if not self.status:
            return _("no answer ({error})", error=self.error) if self.error else _("no answer")
        return f"HTTP {self.status}" + (f" {self.code}" if self.code else "")


@dataclass(frozen=True, slots=True)
class Side:
    """Observations from one side of the VNET: addresses by DNS name, answers by request."""

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    answers: Mapping[str, ProbeAnswer] = field(default_factory=dict)


Role = Document | Sequence[Document] | None
Roles = Mapping[str, Role]


def document_in(documents: Roles, role: str) -> Document | None:
    """The document of a role, None if there is none."""
    found = documents.get(role)
    return found if isinstance(found, Mapping) else None


def list_in(documents: Roles, role: str) -> Sequence[Document]:
    """The documents of a role, empty if there are none."""
    found = documents.get(role)
    return found if isinstance(found, Sequence) else []


@dataclass(frozen=True, slots=True)
class PostureFacts:
    """`documents` maps roles (``storage``, ``public-ips``...) to an ARM document, a list of them,
    or None if there is none. `unread` maps roles that could not be read to the reason. A side is a
    string (the reason) if it could not be observed, None if it was left out."""

    documents: Roles
    unread: Mapping[str, str] = field(default_factory=dict)
    outside: Side | str | None = None
    inside: Side | str | None = None

    def document(self, role: str) -> Document | None:
        """The document of a role, None if there is none. Raises NotSeenError if unreadable."""
        return document_in(self._read(role), role)

    def listed(self, role: str) -> Sequence[Document]:
        return list_in(self._read(role), role)

    def _read(self, role: str) -> Roles:
        if role in self.unread:
            raise NotSeenError(self.unread[role])
        return self.documents

    def name(self, side: str, name: str) -> list[str]:
        """The sorted addresses of a DNS name as seen from a side; empty if it does not resolve. Raises
        NotSeenError if no resolver said so."""
        names = self._side(side).names
        if name not in names:
            raise NotSeenError(_("no answer"))
        return sorted(names[name])

    def answer(self, side: str, what: str) -> ProbeAnswer:
        """The answer to a request from a side. Raises NotSeenError if it was not tried."""
        try:
            return self._side(side).answers[what]
        except KeyError:
            raise NotSeenError(_("not tried")) from None

    def _side(self, side: str) -> Side:
        found = self.outside if side == "outside" else self.inside
        if found is None:
            raise LeftOutError
        if isinstance(found, str):
            raise NotSeenError(found)
        return found
