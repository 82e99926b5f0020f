"""The input of rules about addresses: the ranges of a recipe, their load, and the single plan that
cures all findings about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from amlwizard.errors import Finding
from amlwizard.language import _, listed
from amlwizard.recipe import Sections
from amlwizard.rules.address_plan import DNS, changes, moved_together
from amlwizard.rules.address_space import Kind, Range, Space, path, space_of
from amlwizard.rules.base import RANGES, RULES, Rule
from amlwizard.rules.capacity import Load, load_of


@dataclass(frozen=True)
class Ranges:
    """`plan` maps recipe paths to new values that together cure every finding for which there is
    room; `cured` holds the groups of ranges that it moves. `asked` collects, per finding, the group
    of ranges to move."""

    space: Space
    load: Load
    plan: Mapping[str, str] = field(default_factory=dict)
    cured: Sequence[Sequence[str]] = ()
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def get(self, name: str) -> IPv4Network | None:
        """The range of a field; None if it is not in use or not valid."""
        return self.space.own.get(name)

    def known(self, *names: str) -> Iterator[tuple[str, IPv4Network]]:
        """The fields that have a range, each with its range."""
        own = self.space.own
        return ((name, own[name]) for name in names if name in own)

    def overlaps(
        self, ones: set[Kind], others: set[Kind] | None = None
    ) -> Iterator[tuple[Range, Range]]:
        """Overlapping pairs of a range whose kind is in `ones` and one whose kind is in `others`,
        which defaults to `ones`."""
        others = others or ones
        for one, other in self.space.overlaps():
            if one.kind in ones and other.kind in others:
                yield one, other
            elif one.kind in others and other.kind in ones:
                yield other, one

    def in_the_way(self, rule: Rule, ones: set[Kind], others: set[Kind]) -> Iterator[Finding]:
        """A finding for each range of a kind in `ones` that overlaps any of `others`."""
        met: dict[Range, list[Range]] = {}
        for one, other in self.overlaps(ones, others):
            met.setdefault(one, []).append(other)
        for one, them in met.items():
            yield self.overlapping(rule, one, them)

    def overlapping(self, rule: Rule, one: Range, others: Sequence[Range]) -> Finding:
        """A finding about a range that must move because it overlaps others."""
        return self.found(
            rule,
            (one.path, *(other.path for other in others)),
            _(
                "{range} overlaps {others}.",
                range=one.text,
                others=listed([other.text for other in others]),
            ),
            *([one.name] if one.name in self.space.own else []),
        )

    def found(
        self,
        rule: Rule,
        fields: str | tuple[str, ...],
        what: str,
        *moving: str,
        otherwise: str = _("Choose another range."),
    ) -> Finding:
        """A finding cured by moving the ranges `moving`; `otherwise` is the fix if there is no room
        for that."""
        self.asked.append(moving)
        cure = self.cure(*moving)
        return rule.finding(fields, what, cure=cure, otherwise=otherwise)

    def planned(self, groups: Iterable[Sequence[str]]) -> Ranges:
        """A copy with a plan that moves the ranges of all groups."""
        after, cured = moved_together(self.space, self.load, groups)
        return replace(self, plan=changes(self.space, after), cured=cured)

    def cure(self, *moving: str) -> Mapping[str, str]:
        """The part of the plan that moves these ranges and those that move with them."""
        if not moving or moving not in self.cured:
            return {}
        along = {*moving}
        along |= self.space.subnets.keys() if "vnet" in moving else set()
        along |= {DNS} if "service_cidr" in moving else set()
        return {at: to for at, to in self.plan.items() if at in map(path, along)} or self.plan


def ranges_of(sections: Sections, cures: bool = True) -> Ranges | None:
    """The ranges of a recipe's sections; None without the section `addresses`. `cures` includes the
    plan that cures the findings, which takes a search."""
    if sections.addresses is None:
        return None
    load = load_of(sections.security, sections.serving, sections.training)
    ranges = Ranges(space_of(sections), load)
    if not cures:
        return ranges
    for rule in RULES:
        if RANGES in rule.needs:
            list(rule.findings(sections, ranges))
    return ranges.planned(filter(None, ranges.asked))
