"""The commands that change nothing: check, plan, schema."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from amlwizard import engine, fields, rules
from amlwizard.console import login_prompt, show_findings, show_plan
from amlwizard.errors import Finding, InvalidInput
from amlwizard.plan import Plan, planned
from amlwizard.recipe import Reading, Recipe, read
from amlwizard.steps import steps_for


def findings_of(reading: Reading) -> list[Finding]:
    """What is wrong with its shape, then what the rules say of the sections that are right."""
    return [*reading.findings, *rules.check(reading.sections)]


def usable_recipe(path: str, changes: Mapping[str, str] | None = None) -> Recipe:
    """The recipe, if nothing but warnings stands against it; InvalidInput with all findings."""
    reading = read(Path(path), changes)
    findings = findings_of(reading)
    errors = [f for f in findings if f.severity == "error"]
    if errors or reading.recipe is None:
        count = f"{len(errors)} error{'s' if len(errors) != 1 else ''}"
        raise InvalidInput(f"{path} cannot be used: {count}.", findings=errors)
    return reading.recipe


def check(given: argparse.Namespace) -> int:
    findings = findings_of(read(Path(given.recipe)))
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
        print(f"{given.recipe}: {errors} errors, {warnings} warnings")
    return 2 if errors else 0


def plan(given: argparse.Namespace) -> int:
    recipe = usable_recipe(given.recipe)
    steps = steps_for(recipe)
    if given.target is None:
        made = Plan(None, tuple(planned(step, None) for step in engine.in_order(steps)))
    else:
        from amlwizard.cli.targets import opened

        with opened(given) as target:
            job = engine.Job(recipe, given.recipe, target.cloud, given.target)
            made = engine.survey(steps, job, target.listening(login_prompt(sys.stderr)))
    if given.json:
        print(json.dumps(made.to_json(), indent=2))
    else:
        show_plan(made, sys.stdout)
    return 0


def schema(given: argparse.Namespace) -> int:
    print(json.dumps(fields.schema(), indent=2))
    return 0
