"""The commands that change nothing: check, preflight, plan, schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from threading import Event as Flag

from amlwizard import fields, rules
from amlwizard.cli import tls
from amlwizard.cli.options import (
    CheckOptions,
    FindingsOptions,
    Options,
    PlanOptions,
    PreflightOptions,
)
from amlwizard.console import login_prompt, plain, show_findings, show_plan
from amlwizard.errors import Finding, InvalidInputError, lowered
from amlwizard.plan import outline
from amlwizard.recipe import Reading, Recipe, read
from amlwizard.steps import steps_for


def usable_recipe(
    path: str, changes: Mapping[str, str] | None = None, ignored: Collection[str] = ()
) -> Recipe:
    """The recipe, if its only errors are of `ignored` rules. Raises InvalidInputError with all
    findings."""
    reading = read(Path(path), changes)
    findings = _findings_of(reading, ignored)
    errors = [f for f in findings if f.severity == "error"]
    if errors or reading.recipe is None:
        raise InvalidInputError(
            f"{path} cannot be used: {_some(len(errors), 'error')}.", findings=errors
        )
    return reading.recipe


def _findings_of(reading: Reading, ignored: Collection[str] = ()) -> list[Finding]:
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


def check(given: CheckOptions) -> int:
    """Return 2 if there are errors, otherwise 0."""
    reading = read(Path(given.recipe), changes(given.set))
    return _told(given, _findings_of(reading, given.ignore))


def plan(given: PlanOptions) -> int:
    """Return 0, or 2 if the recipe requires a change to an existing resource that Azure cannot
    make."""
    recipe = usable_recipe(given.recipe, changes(given.set))
    if given.target is None:
        made = outline(steps_for(recipe))
    else:
        from amlwizard.app.application import Application
        from amlwizard.cli.targets import choice_of

        with Application(choice_of(given)) as application, application.using(given.target):
            made = application.plan(recipe, login_prompt(sys.stderr), Flag())
    if given.json:
        print(json.dumps(made.to_json(), indent=2))
    else:
        show_plan(made, sys.stdout)
    return 0 if made.possible else 2


def preflight(given: PreflightOptions) -> int:
    """Return 2 if there are errors, otherwise 0."""
    recipe = usable_recipe(given.recipe, changes(given.set))
    from amlwizard.app.application import Application
    from amlwizard.cli.targets import choice_of

    with Application(choice_of(given)) as application, application.using(given.target):
        findings = application.preflight(recipe, login_prompt(sys.stderr), Flag(), given.recipe)
    return _told(given, findings)


def _told(given: FindingsOptions, findings: Sequence[Finding]) -> int:
    errors = sum(f.severity == "error" for f in findings)
    warnings = len(findings) - errors
    if given.json:
        body = {
            "recipe": given.recipe,
            "errors": errors,
            "warnings": warnings,
            "findings": [f.to_json() for f in findings],
        }
        print(json.dumps(body, indent=2))
    else:
        show_findings(findings, sys.stdout)
        print(f"{plain(given.recipe)}: {_some(errors, 'error')}, {_some(warnings, 'warning')}")
    return 2 if errors else 0


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def schema(_: Options) -> int:
    print(json.dumps(fields.schema(), indent=2))
    return 0
