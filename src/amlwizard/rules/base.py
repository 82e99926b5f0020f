"""The definition of a rule: a function from sections to findings, with an id and a source."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from itertools import islice

from amlwizard.errors import Finding, Severity
from amlwizard.language import _, sentences
from amlwizard.recipe import Sections, title

Check = Callable[..., Iterator[Finding]]

RESERVED_PER_SUBNET = 5
RANGES = "ranges"
OTHERWISE = _("Choose another value.")
MOST = 1000  # findings of one rule
AROUND_RANGES = ("addresses", "security", "serving", "training")


@dataclass(frozen=True)
class Rule:
    """`needs` are the sections that the check is called with; it is skipped if one is missing. A
    rule about addresses needs ``ranges``, which stands for the ranges derived from the sections.
    `about` are the recipe paths of the fields that it is about, or of their section.
    `reads` are fields that its findings depend on without naming them; it is skipped if one of
    them is not known.

    `text` is the rule in a sentence, `source` the document that it comes from.
    """

    id: str
    severity: Severity
    needs: tuple[str, ...]
    text: str
    source: str
    check: Check
    about: tuple[str, ...]
    reads: tuple[str, ...] = ()

    def findings(self, sections: Sections, ranges: object | None = None) -> Iterator[Finding]:
        """The rule's findings, MOST of them, except those that depend on an unknown value. `ranges`
        are those of the sections."""
        given = [ranges if name == RANGES else sections[name] for name in self.needs]
        if any(p is None for p in given) or not all(map(sections.knows, self.reads)):
            return
        for finding in islice(self.check(self, *given), MOST):
            if not any(self._rests_on(path) for path in sections.unknown & {*finding.fields}):
                yield finding

    def _rests_on(self, path: str) -> bool:
        return path.partition(".")[0] in self.sections

    @cached_property
    def sections(self) -> Collection[str]:
        """The sections that the rule reads."""
        return {
            name for need in self.needs for name in (AROUND_RANGES if need == RANGES else (need,))
        }

    def finding(
        self,
        fields: str | tuple[str, ...],
        what: str,
        fix: str = "",
        cure: Mapping[str, object] | None = None,
        severity: Severity | None = None,
        otherwise: str = "",
    ) -> Finding:
        """A finding of this rule. `fix` defaults to a description of the cure, `severity` to that
        of the rule; `otherwise` is the fix where there is no cure, or none that holds."""
        where = (fields,) if isinstance(fields, str) else fields
        fix = (fix or use(cure)) if cure else (otherwise or fix)
        return Finding(
            self.id,
            severity or self.severity,
            where,
            what,
            self.text,
            fix,
            cure=cure or {},
            otherwise=otherwise or OTHERWISE,
        )


def use(cure: Mapping[str, object]) -> str:
    """A cure as sentences, which name fields as forms do; an empty string if there is no cure."""
    return sentences(*(_set(title(path), value) for path, value in cure.items()))


def _set(field: str, value: object) -> str:
    if isinstance(value, bool):
        return _("Turn {field} on.", field=field) if value else _("Turn {field} off.", field=field)
    if value is None or value in ([], {}):
        return _("Clear {field}.", field=field)
    return _("Set {field} to {value}.", field=field, value=_plain(value))


def _plain(value: object) -> str:
    """A value as a form shows it."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


RULES: list[Rule] = []


def rule(
    id: str,
    text: str,
    *needs: str,
    source: str,
    about: tuple[str, ...],
    severity: Severity = "error",
    reads: tuple[str, ...] = (),
) -> Callable[[Check], Check]:
    """Declare a rule. Its check is called with the Rule and the sections in `needs`."""

    def declare(check: Check) -> Check:
        RULES.append(Rule(id, severity, needs, text, source, check, about, reads))
        return check

    return declare


def usable(network: IPv4Network) -> int:
    """Usable addresses of a subnet: Azure reserves the first four and the last (SN-3)."""
    return max(0, network.num_addresses - RESERVED_PER_SUBNET)
