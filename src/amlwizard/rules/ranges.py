"""What a rule about addresses looks at: the ranges of a recipe, and what will run in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from amlwizard.errors import Finding
from amlwizard.rules import address_plan
from amlwizard.rules.base import Rule, Sections, listed, use
from amlwizard.rules.capacity import Load, load_of
from amlwizard.rules.space import Kind, Range, Space, space_of


@dataclass(frozen=True)
class Ranges:
    """`cures` says whether findings come with their cures: to find one takes a search."""

    space: Space
    load: Load
    cures: bool = True

    def __getitem__(self, name: str) -> IPv4Network:
        return self.space.own[name]

    def overlaps(
        self, ones: set[Kind], others: set[Kind] | None = None
    ) -> Iterator[tuple[Range, Range]]:
        """The pairs that overlap: one of `ones`, the other of `others` or of the same."""
        others = others or ones
        for one, other in self.space.overlaps():
            if one.kind in ones and other.kind in others:
                yield one, other
            elif one.kind in others and other.kind in ones:
                yield other, one

    def in_the_way(self, rule: Rule, ones: set[Kind], others: set[Kind]) -> Iterator[Finding]:
        """A finding for each of `ones` that is in the way of others, which it is to leave."""
        met: dict[Range, list[Range]] = {}
        for one, other in self.overlaps(ones, others):
            met.setdefault(one, []).append(other)
        for one, them in met.items():
            yield self.found(
                rule,
                (one.path, *(other.path for other in them)),
                f"{one.text} overlaps {listed([other.text for other in them])}.",
                one.name,
            )

    def found(
        self,
        rule: Rule,
        fields: str | tuple[str, ...],
        what: str,
        *moving: str,
        otherwise: str = "Choose another range.",
    ) -> Finding:
        """A finding that is cured by moving ranges; `otherwise` says what to do where there is no
        room for that."""
        cure = address_plan.moves(self.space, self.load, *moving) if self.cures else {}
        return rule.finding(fields, what, use(cure) or otherwise, cure)


def ranges_of(sections: Sections, cures: bool = True) -> Ranges | None:
    """The ranges of a recipe's sections; None without `addresses`."""
    if "addresses" not in sections:
        return None
    security, serving = sections.get("security"), sections.get("serving")
    return Ranges(
        space_of(sections["addresses"], security, serving),
        load_of(security, serving, sections.get("training")),
        cures,
    )
