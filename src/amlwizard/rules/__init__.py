"""What can be known without a cloud: the rules, and the findings that a recipe gives under them."""

from __future__ import annotations

import copy
from dataclasses import replace

from amlwizard.errors import Finding
from amlwizard.recipe import Reading, Sections, examine
from amlwizard.rules import (
    addresses,
    cures,
    entry,
    libraries,
    name_shapes,
    names,
    outbound,
    places,
    runtimes,
    security,
    sizes,
    tags,
    versions,
    zones,
)
from amlwizard.rules.base import RULES, Rule, usable

__all__ = [
    "RULES",
    "Rule",
    "addresses",
    "check",
    "cures",
    "entry",
    "findings_of",
    "libraries",
    "name_shapes",
    "names",
    "outbound",
    "places",
    "runtimes",
    "security",
    "sizes",
    "tags",
    "usable",
    "versions",
    "zones",
]


def findings_of(reading: Reading) -> list[Finding]:
    """What is wrong with a recipe's shape, then what the rules say of the sections that are right."""
    return [*of_shape(reading), *check(reading.sections)]


def of_shape(reading: Reading) -> list[Finding]:
    """What is wrong with a recipe's shape, with cures that no rule refuses."""
    return [_sound(reading, found) for found in reading.findings]


def _sound(reading: Reading, finding: Finding) -> Finding:
    """A finding about the shape of a recipe; without its cure where that is wrong in another way."""
    if not finding.cure:
        return finding
    raw = copy.deepcopy(dict(reading.raw))
    for path, value in finding.cure.items():
        section, _, name = path.partition(".")
        where = raw.get(section) if name else raw
        if isinstance(where, dict):
            if value is None:
                where.pop(name or section, None)
            else:
                where[name or section] = value
    after = examine(raw)
    left = [*after.findings, *cures.found(after.sections)]
    cured = set(finding.cure) & {path for f in left if f.severity == "error" for path in f.fields}
    known = {path for f in reading.findings if f != finding for path in f.fields}
    return replace(finding, cure={}) if cured - known else finding


def check(sections: Sections) -> list[Finding]:
    """Every finding of every rule whose sections are there, errors first."""
    return sorted(cures.offered(sections), key=lambda finding: finding.severity != "error")
