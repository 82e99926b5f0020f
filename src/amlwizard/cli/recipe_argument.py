"""The recipe that a command is given, and the values set by ``--set``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from amlwizard import rules
from amlwizard.cli import tls
from amlwizard.cli.finding_output import counted
from amlwizard.errors import Finding, InvalidInputError, lowered
from amlwizard.recipe import Reading, Recipe, read


def usable_recipe(
    path: str, changes: Mapping[str, str] | None = None, ignored: Collection[str] = ()
) -> Recipe:
    """The recipe, if its only errors are of `ignored` rules. Raises InvalidInputError with all
    findings."""
    reading = read(Path(path), changes)
    findings = findings_of(reading, ignored)
    errors = [f for f in findings if f.severity == "error"]
    if errors or reading.recipe is None:
        raise InvalidInputError(
            f"{path} cannot be used: {counted(len(errors), 'error')}.", findings=errors
        )
    return reading.recipe


def findings_of(reading: Reading, ignored: Collection[str] = ()) -> list[Finding]:
    """All findings that need no cloud, with errors of `ignored` rules as warnings. Errors in the
    recipe's shape cannot be ignored."""
    shape, ruled = rules.of_shape(reading), rules.check(reading.sections)
    return [*shape, *lowered([*tls.findings(reading.sections.serving), *ruled], ignored)]


def changes(settings: Sequence[str]) -> dict[str, str]:
    """The values set by --set, by their dotted recipe paths. Raises InvalidInputError for malformed
    ones."""
    given, wrong = {}, []
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not all(path.split(".")):
            wrong.append(setting)
        given[path] = value
    if wrong:
        raise InvalidInputError(
            "; ".join(
                f"--set {setting} is not of the form section.field=value" for setting in wrong
            )
            + ".",
            why="Nothing was done.",
            fix="Such as --set names.prefix=abc; several values take several --set.",
        )
    return given
