"""The preflight command: the rules of a recipe, judged by what the cloud has."""

from __future__ import annotations

from amlwizard.app.application import Application
from amlwizard.cli.finding_output import print_findings
from amlwizard.cli.options import PreflightOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.run_output import while_read
from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.console import login_prompt


def preflight(given: PreflightOptions) -> int:
    """Return 2 if there are errors, otherwise 0."""
    recipe = usable_recipe(given.recipe, changes(given.set))
    with (
        Application(choice_of(given)) as application,
        cancelling(ABOUT_READING) as control,
        application.using(given.target, control.cancelled) as target,
    ):
        prompt = while_read(login_prompt(target.approved_by), control)
        findings = application.preflight(recipe, prompt, control.cancelled, given.recipe)
    return print_findings(given, findings)
