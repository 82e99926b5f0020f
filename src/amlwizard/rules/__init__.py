"""What can be known without a cloud: the rules, and the findings that a recipe gives under them."""

from __future__ import annotations

from amlwizard.errors import Finding
from amlwizard.recipe import Reading
from amlwizard.rules import addresses, cures, entry, name_shapes, names, security, sizes, versions
from amlwizard.rules.base import RULES, Rule, Sections, usable

__all__ = [
    "RULES",
    "Rule",
    "addresses",
    "check",
    "cures",
    "entry",
    "findings_of",
    "name_shapes",
    "names",
    "security",
    "sizes",
    "usable",
    "versions",
]


def findings_of(reading: Reading) -> list[Finding]:
    """What is wrong with a recipe's shape, then what the rules say of the sections that are right."""
    return [*reading.findings, *check(reading.sections)]


def check(sections: Sections) -> list[Finding]:
    """Every finding of every rule whose sections are there, errors first."""
    return sorted(cures.offered(sections), key=lambda finding: finding.severity != "error")
