"""Cures are offered only if they hold: applying one removes its finding and causes no new error.
They also hold together, in whatever order the user applies them."""

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


def found(sections: Sections) -> list[Finding]:
    """The findings of every rule whose sections exist, with cures as the rules propose them."""
    return _found(sections, ranges_of(sections))


def _found(sections: Sections, ranges: Ranges | None) -> list[Finding]:
    return [finding for rule in RULES for finding in rule.findings(sections, ranges)]


def _left(sections: Sections, cure: Cure, *rules: str) -> list[Finding] | None:
    """The findings after a cure is applied, of the rules that read the sections it changes and of
    the named rules. None if the cure cannot be applied."""
    after = cured(sections, cure)
    if after is None:
        return None
    touched = {path.partition(".")[0] for path in cure}
    ranges = ranges_of(after, cures=False)
    asked = (rule for rule in RULES if touched.intersection(rule.sections) or rule.id in rules)
    return [finding for rule in asked for finding in rule.findings(after, ranges)]


def offered(sections: Sections) -> list[Finding]:
    """Every finding, with a cure that holds alone and together with the cures of the others.

    A cure that depends on another includes it. If the cures of several rules conflict, apply them
    one by one, and offer for each finding the part of that result that it needs.
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
    """Every finding as the rules propose it, and every finding with a cure that holds alone."""
    ranges = ranges_of(sections)
    before = _found(sections, ranges)
    plan = ranges.plan if ranges else {}
    proposed = [plan, *(finding.cure for finding in before)]
    told = (_holding(sections, before, f, _wider(f.cure, proposed)) for f in before)
    return before, list(told)


def _holding(
    sections: Sections, before: Sequence[Finding], finding: Finding, cures: Iterable[Cure]
) -> Finding:
    """The finding with the first of `cures` that holds, or without a cure if none does."""
    for cure in cures:
        if cure and _holds(sections, before, finding, cure):
            break
    else:
        cure = {}
    if cure == finding.cure:
        return finding
    return replace(finding, cure=cure, fix=use(cure)) if cure else finding.uncured()


def _holds(sections: Sections, before: Iterable[Finding], finding: Finding, cure: Cure) -> bool:
    left = _left(sections, cure, finding.rule)
    if left is None or any(_part(f, finding) for f in left):
        return False
    return all(f.severity != "error" or any(_part(f, known) for known in before) for f in left)


def _hold_together(sections: Sections, told: Sequence[Finding]) -> bool:
    """Whether the cures do not contradict each other, and applying all of them leaves only findings
    that have no cure."""
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
    """The combined result of applying cures one by one, each computed after the previous ones."""
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
    """The cure; the cure with everything proposed for the same fields, then the same sections; the
    cure with all proposals."""
    if cure:
        yield cure
        yield from _parts(cure, {**{k: v for other in others for k, v in other.items()}, **cure})


def _parts(cure: Cure, whole: Cure) -> Iterator[Cure]:
    """The part of `whole` for the cure's fields; the part for their sections; all of `whole`."""
    sections = {path.partition(".")[0] for path in cure}
    yield {path: value for path, value in whole.items() if path in cure}
    yield {path: value for path, value in whole.items() if path.partition(".")[0] in sections}
    yield whole if cure else {}


def _part(one: Finding, of: Finding) -> bool:
    """Whether a finding is the same as `of`, or a remaining part of it."""
    return one.rule == of.rule and set(one.fields) <= set(of.fields)


def allowed(sections: Sections, cure: Cure) -> bool:
    """Whether no rule reports a new error after a cure that did not come from a rule."""
    left = _left(sections, cure)
    errors = [finding for finding in left or () if finding.severity == "error"]
    before = found(sections) if errors else []
    return left is not None and all(any(_part(f, known) for known in before) for f in errors)


def cured(sections: Sections, cure: Cure) -> Sections | None:
    """The sections with a cure applied; None if the result is not a valid recipe.

    None as a value removes the field, so that its default applies.
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
                {k: v for k, v in raw.items() if v is not None},
                context={"folder": sections.folder},
            )
        except ValidationError:
            return None
    left = {path for path in sections.unknown if ".".join(path.split(".")[:2]) not in cure}
    return replace(sections, **changed, unknown=frozenset(left))
