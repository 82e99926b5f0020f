"""Cures are only offered where they hold: applied, the finding is gone and no error has come. All
of them hold together too, whatever the order in which somebody takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from amlwizard.errors import Finding
from amlwizard.recipe import Sections
from amlwizard.recipe.validation import SECTIONS
from amlwizard.rules.base import RULES, use
from amlwizard.rules.rule_context import Ranges, ranges_of

Cure = Mapping[str, object]
ROUNDS = 30
OTHERWISE = "Choose another value."


def found(sections: Sections) -> list[Finding]:
    """Every finding of every rule whose sections are there, cures as the rules propose them."""
    return _found(sections, ranges_of(sections))


def _found(sections: Sections, ranges: Ranges | None) -> list[Finding]:
    return [finding for rule in RULES for finding in rule.findings(sections, ranges)]


def _left(sections: Sections, cure: Cure, *rules: str) -> list[Finding] | None:
    """What is found where a cure was applied, by the rules that look at what it changes and by the
    named ones; None where it cannot be applied."""
    after = cured(sections, cure)
    if after is None:
        return None
    touched = {path.partition(".")[0] for path in cure}
    ranges = ranges_of(after, cures=False)
    asked = (rule for rule in RULES if touched.intersection(rule.sections) or rule.id in rules)
    return [finding for rule in asked for finding in rule.findings(after, ranges)]


def offered(sections: Sections) -> list[Finding]:
    """Every finding, with a cure that holds alone and together with those of the others.

    A cure that needs another is offered with it. Where those of several rules are in each other's
    way, each is the part that it needs of what one comes to who takes them one by one.
    """
    before, told = _each(sections)
    if _hold_together(sections, told):
        return told
    whole = _one_by_one(sections)
    part = [_holding(sections, before, f, _parts(f.cure, whole)) for f in before]
    if _hold_together(sections, part):
        return part
    return [_holding(sections, before, f, [whole] if f.cure else []) for f in before]


def _each(sections: Sections) -> tuple[list[Finding], list[Finding]]:
    """Every finding as proposed, and with a cure that holds alone."""
    ranges = ranges_of(sections)
    before = _found(sections, ranges)
    plan = ranges.plan if ranges else {}
    proposed = [plan, *(finding.cure for finding in before)]
    told = (_holding(sections, before, f, _wider(f.cure, proposed)) for f in before)
    return before, list(told)


def _holding(
    sections: Sections, before: Sequence[Finding], finding: Finding, cures: Iterable[Cure]
) -> Finding:
    """The finding with the first of the cures that holds; without one where none does."""
    for cure in cures:
        if cure and _holds(sections, before, finding, cure):
            break
    else:
        cure = {}
    if cure == finding.cure:
        return finding
    fix = finding.fix.replace(use(finding.cure), use(cure)) if finding.cure else finding.fix
    return replace(finding, cure=cure, fix=" ".join(fix.split()) or OTHERWISE)


def _holds(sections: Sections, before: Iterable[Finding], finding: Finding, cure: Cure) -> bool:
    left = _left(sections, cure, finding.rule)
    if left is None or any(_part(f, finding) for f in left):
        return False
    return all(f.severity != "error" or any(_part(f, known) for known in before) for f in left)


def _hold_together(sections: Sections, told: Sequence[Finding]) -> bool:
    """Whether the cures agree, and all of them leave only what has none."""
    every: dict[str, object] = {}
    for finding in told:
        if any(every.get(path, value) != value for path, value in finding.cure.items()):
            return False
        every |= finding.cure
    if not every:
        return True
    left = _left(sections, every, *(finding.rule for finding in told if finding.cure))
    if left is None:
        return False
    uncured = [finding for finding in told if not finding.cure]
    known = (any(_part(f, other) for other in uncured) for f in left if f.severity == "error")
    again = (_part(f, other) for f in left for other in told if other.cure)
    return all(known) and not any(again)


def _one_by_one(sections: Sections) -> dict[str, object]:
    """What all cures come to, each taken where the ones before it have been."""
    whole: dict[str, object] = {}
    for _ in range(ROUNDS):
        step = next((f.cure for f in _each(sections)[1] if f.cure), {})
        after = cured(sections, step) if step else None
        if after is None:
            break
        whole |= step
        sections = after
    return whole


def _wider(cure: Cure, others: Sequence[Cure]) -> Iterator[Cure]:
    """A cure; that with what else is proposed for the same sections; that with everything."""
    if cure:
        yield cure
        yield from _parts(cure, {**{k: v for other in others for k, v in other.items()}, **cure})


def _parts(cure: Cure, whole: Cure) -> Iterator[Cure]:
    """What the whole says of the fields of a cure, of their sections, and all of it."""
    sections = {path.partition(".")[0] for path in cure}
    yield {path: value for path, value in whole.items() if path in cure}
    yield {path: value for path, value in whole.items() if path.partition(".")[0] in sections}
    yield whole if cure else {}


def _part(one: Finding, of: Finding) -> bool:
    """Whether a finding is another, or what is left of it."""
    return one.rule == of.rule and set(one.fields) <= set(of.fields)


def allowed(sections: Sections, cure: Cure) -> bool:
    """Whether a cure that something else than a rule proposes is one that no rule finds wrong."""
    left = _left(sections, cure)
    errors = [finding for finding in left or () if finding.severity == "error"]
    before = found(sections) if errors else []
    return left is not None and all(any(_part(f, known) for known in before) for f in errors)


def cured(sections: Sections, cure: Cure) -> Sections | None:
    """The sections with a cure applied; None where that is no valid recipe.

    None as a value takes an answer away, so that its default stands.
    """
    changed: dict[str, Any] = {}
    for name in {path.split(".")[0] for path in cure}:
        section = sections[name] if name in SECTIONS else None
        if section is None:
            return None
        raw = section.model_dump(mode="json", exclude_none=True)
        for path, value in cure.items():
            where, _, field = path.partition(".")
            if where == name:
                raw[field] = value
        try:
            changed[name] = type(section).model_validate(
                {k: v for k, v in raw.items() if v is not None}
            )
        except ValidationError:
            return None
    left = {path for path in sections.unknown if ".".join(path.split(".")[:2]) not in cure}
    return replace(sections, **changed, unknown=frozenset(left))
