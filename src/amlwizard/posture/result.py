"""The judgement as values: evidence, lines (one per promise), and the posture that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from amlwizard.json_types import Document, JsonObject
from amlwizard.language import _
from amlwizard.plain_text import PlainText

Outcome = Literal["ok", "broken", "unknown"]
Source = Literal["ARM", "outside", "inside"]
SOURCE_WORDS: Mapping[Source, str] = {"ARM": "ARM", "outside": _("outside"), "inside": _("inside")}


@dataclass(frozen=True, slots=True)
class Evidence(PlainText):
    """One observation: in Azure Resource Manager, from outside the VNET, or from inside it."""

    source: Source
    what: str
    expected: str
    seen: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PromiseLine(PlainText):
    """One promise of the recipe, kept if all of its evidence is ok. `where` is the resource that it
    is about, `source` the document behind it."""

    id: str
    area: str
    title: str
    expected: str
    seen: str
    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    where: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Posture(PlainText):
    """All promises of a recipe on a target. `at` is in seconds since the epoch (UTC)."""

    recipe: str
    target: str
    at: float
    lines: tuple[PromiseLine, ...]

    def of(self, outcome: Outcome) -> tuple[PromiseLine, ...]:
        return tuple(line for line in self.lines if line.outcome == outcome)

    @property
    def kept(self) -> bool:
        return all(line.outcome == "ok" for line in self.lines)

    @property
    def summary(self) -> str:
        """``21 of 24 promises kept, 2 not kept, 1 not judged``"""
        broken, unknown = len(self.of("broken")), len(self.of("unknown"))
        kept, promised = len(self.of("ok")), len(self.lines)
        said = [_("{kept} of {all} promises kept", kept=kept, all=promised)]
        if broken:
            said.append(_("{count} not kept", count=broken))
        if unknown:
            said.append(_("{count} not judged", count=unknown))
        return _(", ").join(said)

    def to_json(self) -> JsonObject:
        return {"version": 1, **asdict(self)}

    @classmethod
    def from_json(cls, body: Document) -> Posture:
        """Read the result of `to_json`. Raises TypeError or KeyError for anything else."""
        lines = tuple(
            PromiseLine(**{**line, "evidence": tuple(Evidence(**e) for e in line["evidence"])})
            for line in body["lines"]
        )
        return cls(body["recipe"], body["target"], body["at"], lines)
