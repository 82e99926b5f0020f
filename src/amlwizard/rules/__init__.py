"""The rules: checks of a recipe that need no cloud, and the findings they report."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from amlwizard.errors import Finding
from amlwizard.recipe import Reading, Sections, examine, put
from amlwizard.rules import (
    addresses,
    cures,
    entry,
    libraries,
    name_shapes,
    names,
    outbound,
    own_serving,
    own_training,
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
    "own_serving",
    "own_training",
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
    """The findings about a recipe's shape, then those of the rules about its valid sections."""
    return [*of_shape(reading), *check(reading.sections)]


def of_shape(reading: Reading) -> list[Finding]:
    """The findings about a recipe's shape (schema), with only such cures as no rule rejects."""
    left: dict[str, list[Finding]] = {}  # items of a list share one cure, of the whole list
    return [_sound(reading, found, left) for found in reading.findings]


def _sound(reading: Reading, finding: Finding, left: dict[str, list[Finding]]) -> Finding:
    """A finding about a recipe's shape; its cure is removed if it causes an error of its own."""
    if not finding.cure or finding.rule == "unknown-key":  # what is left out, nothing misses
        return finding
    key = repr(finding.cure)
    if key not in left:
        left[key] = _after(reading, finding.cure)
    wrong = {path for f in left[key] if f.severity == "error" for path in f.fields}
    cured = set(finding.cure) & wrong
    known = {path for f in reading.findings if f != finding for path in f.fields}
    if not cured - known:
        return finding
    return finding.uncured()


def _after(reading: Reading, cure: Mapping[str, object]) -> list[Finding]:
    """All findings, were a cure applied."""
    raw = copy.deepcopy(dict(reading.raw))
    for path, value in cure.items():
        put(raw, path, value)
    after = examine(raw, folder=reading.folder)
    return [*after.findings, *cures.found(after.sections)]


def check(sections: Sections) -> list[Finding]:
    """The findings of every rule whose sections exist, errors first."""
    return sorted(cures.offered(sections), key=lambda finding: finding.severity != "error")
