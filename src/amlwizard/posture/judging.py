"""How a promise is judged: it yields evidence, and is kept if all of the evidence is ok."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from amlwizard.json_path import fold_case, value_at
from amlwizard.json_types import Document, JsonValue
from amlwizard.language import _
from amlwizard.posture.facts import LeftOutError, NotSeenError, PostureFacts
from amlwizard.posture.result import Evidence, Outcome, PromiseLine, Source

REPLAY = _("Replay the recipe: that sets it back.")
TELLING = 3  # most pieces of evidence shown on the line of a kept promise


class AbsentError(Exception):
    """The resource that a promise is about does not exist."""


@dataclass(frozen=True)
class Promise:
    """`look` yields the evidence. `expected` says briefly what is promised, `where` names the
    resource, `source` the document behind the promise, and `fix` what to do if it is not kept."""

    id: str
    area: str
    title: str
    where: str
    source: str
    expected: str
    look: Callable[[], Iterator[Evidence]]
    fix: str = REPLAY

    def line(self) -> PromiseLine | None:
        """The judged promise; None if all of its evidence is on sides that were left out."""
        evidence: list[Evidence] = []
        try:
            for piece in self.look():
                evidence.append(piece)  # noqa: PERF402 - what came before an error stays
        except AbsentError as absent:
            evidence.append(Evidence("ARM", str(absent), _("there"), _("not there"), "broken"))
        except NotSeenError as unseen:
            evidence.append(Evidence("ARM", self.title, self.expected, unseen.reason, "unknown"))
        if not evidence:
            return None
        outcome = _worst(evidence)
        return PromiseLine(
            self.id,
            self.area,
            self.title,
            self.expected,
            _seen(evidence, outcome),
            outcome,
            tuple(evidence),
            "" if outcome == "ok" else self.fix,
            self.where,
            self.source,
        )

    def pending(self) -> PromiseLine:
        """The promise as a line that is not judged yet."""
        return PromiseLine(
            self.id,
            self.area,
            self.title,
            self.expected,
            _("not judged yet"),
            "unknown",
            where=self.where,
            source=self.source,
        )


def _seen(evidence: list[Evidence], outcome: Outcome) -> str:
    """A short summary of the deciding evidence. Observations from a side are the most telling, so
    they come last and are not cut."""
    telling = [e for e in evidence if e.outcome == outcome]
    said = list(dict.fromkeys(f"{e.what}: {e.seen}" for e in telling))
    if outcome != "ok" or len(said) <= TELLING:
        return "; ".join(said)
    more = _("{n} more", n=len(said) - TELLING + 1)
    return "; ".join([more, *said[1 - TELLING :]])


def _worst(evidence: list[Evidence]) -> Outcome:
    outcomes = {e.outcome for e in evidence}
    if "broken" in outcomes:
        return "broken"
    return "ok" if outcomes == {"ok"} else "unknown"


def need(facts: PostureFacts, role: str, what: str) -> Document:
    """The document of a role. Raises AbsentError if there is none, which breaks the promise."""
    found = facts.document(role)
    if found is None:
        raise AbsentError(what)
    return dict(found)


def is_so(source: Source, what: str, ok: bool, expected: str, seen: str) -> Evidence:
    """Evidence that is ``ok`` or ``broken``."""
    return Evidence(source, what, expected, seen, "ok" if ok else "broken")


def equal(what: str, document: Document, path: str, expected: JsonValue) -> Evidence:
    """Evidence that a value of an ARM document is as promised; text is compared without case."""
    seen = value_at(document, path)
    return is_so("ARM", what, fold_case(seen) == fold_case(expected), _text(expected), _text(seen))


def tried(source: Source, what: str, attempt: Callable[[], Evidence]) -> Iterator[Evidence]:
    """Evidence from a side: ``unknown``, with the reason, if it could not be obtained; none if the
    side was left out."""
    try:
        yield attempt()
    except LeftOutError:
        return
    except NotSeenError as unseen:
        yield Evidence(source, what, _("seen"), unseen.reason, "unknown")


def _text(value: JsonValue) -> str:
    if value is None:
        return _("not set")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
