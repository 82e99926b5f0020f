"""Cures are only offered where they hold: applied, the finding is gone and no error has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from amlwizard.errors import Finding
from amlwizard.recipe import Section
from amlwizard.rules.base import RULES, Sections
from amlwizard.rules.ranges import ranges_of


def found(sections: Sections, cures: bool = True) -> list[Finding]:
    """Every finding of every rule whose sections are there, cures as the rules propose them."""
    ranges = ranges_of(sections, cures)
    if ranges:
        sections = {**sections, "ranges": ranges}
    return [finding for rule in RULES for finding in rule.findings(sections)]


def held(sections: Sections, findings: Iterable[Finding]) -> list[Finding]:
    """The findings, without those cures that would not hold."""
    before = [*findings]
    return [
        replace(finding, cure={})
        if finding.cure and not _holds(sections, before, finding)
        else finding
        for finding in before
    ]


def _holds(sections: Sections, before: Iterable[Finding], finding: Finding) -> bool:
    after = cured(sections, finding.cure)
    if after is None:
        return False
    left = found(after, cures=False)
    if any(_part(f, finding) for f in left):
        return False
    return all(f.severity != "error" or any(_part(f, known) for known in before) for f in left)


def _part(one: Finding, of: Finding) -> bool:
    """Whether a finding is another, or what is left of it."""
    return one.rule == of.rule and set(one.fields) <= set(of.fields)


def cured(sections: Sections, cure: Mapping[str, Any]) -> Sections | None:
    """The sections with a cure applied; None where that is no valid recipe.

    None as a value takes an answer away, so that its default stands.
    """
    after = dict(sections)
    for name in {path.split(".")[0] for path in cure}:
        section = sections.get(name)
        if not isinstance(section, Section):
            return None
        raw = section.model_dump(mode="json", exclude_none=True)
        for path, value in cure.items():
            where, _, field = path.partition(".")
            if where == name:
                raw[field] = value
        try:
            after[name] = type(section).model_validate(
                {k: v for k, v in raw.items() if v is not None}
            )
        except ValidationError:
            return None
    return after
