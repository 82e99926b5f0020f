"""The plan command: the steps of a run, and with a target what each would do there."""

from __future__ import annotations

import json
import sys

from amlwizard.cli.options import PlanOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.run_output import while_read
from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.console import login_prompt, output, show_costs, show_plan
from amlwizard.plan import outline
from amlwizard.steps import steps_for


def plan(given: PlanOptions) -> int:
    """Return 0, or 2 if the recipe requires a change to an existing resource that Azure cannot
    make."""
    recipe = usable_recipe(given.recipe, changes(given.set))
    costs = None
    if given.target is None:
        made = outline(steps_for(recipe))
    else:
        from amlwizard.app.application import Application
        from amlwizard.cli.targets import choice_of

        with (
            Application(choice_of(given)) as application,
            cancelling(ABOUT_READING) as control,
            application.using(given.target, control.cancelled) as target,
        ):
            prompt = while_read(login_prompt(target.approved_by), control)
            made = application.plan(recipe, prompt, control.cancelled)
            costs = None if given.json else application.costs(recipe)
    if given.json:
        print(json.dumps(made.to_json(), indent=2))
    else:
        out = output(sys.stdout)
        show_plan(made, out, verbose=given.verbose)
        if costs:
            show_costs(costs, out)
    return 0 if made.possible else 2
