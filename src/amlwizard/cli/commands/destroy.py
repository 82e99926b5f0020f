"""The destroy command: show what will be removed, ask for confirmation, remove it."""

from __future__ import annotations

import json
import sys

from amlwizard import console
from amlwizard.app.application import Application, fan_out
from amlwizard.cli.options import DestroyOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.run_output import Watch, progress, while_read
from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.errors import InvalidInputError, OperationCancelledError
from amlwizard.events import Emit
from amlwizard.language import _


def destroy(given: DestroyOptions) -> int:
    """Return the exit code of the teardown. Raises InvalidInputError if no user can confirm it."""
    recipe = usable_recipe(given.recipe, changes(given.set))
    if not (given.yes or given.dry_run or sys.stdin.isatty()):
        raise InvalidInputError(
            _("There is no terminal to confirm on."),
            why=_("Nothing was removed."),
            fix=_("Look at what would go with --dry-run, then replace that by --yes."),
        )
    out = console.output(sys.stderr if given.json else sys.stdout)
    watch = Watch()
    with Application(choice_of(given)) as application, application.using(given.target) as target:
        login = console.login_prompt(target.approved_by)
        with cancelling(ABOUT_READING) as control:
            prompt = while_read(login, control)
            plan = application.plan_teardown(recipe, given.purge, prompt, control.cancelled)
        if given.dry_run and given.json:
            print(json.dumps(plan.to_json(), indent=2))
            return 0
        console.show_teardown(plan, out, given.verbose)
        if given.dry_run:
            return 0
        if not given.yes and any(step.action in ("delete", "wait") for step in plan.steps):
            _confirm(recipe.names.resource_group)
        with cancelling() as control:
            display = progress(given.json, application.expected_teardown(plan))
            shown = while_read(fan_out([display, login]), control)
            listeners: list[Emit] = [watch, shown]
            ran = application.destroy(
                recipe, given.recipe, given.purge, fan_out(listeners), control
            )
    console.report_teardown(watch.view, {_("Journal"): str(ran.journal)}, out)
    return ran.exit_code


def _confirm(name: str) -> None:
    """Ask the user to type the name of the resource group. Raises OperationCancelledError for
    anything else."""
    asked = _("Type the name of the resource group ({name}) to remove all of this:", name=name)
    sys.stderr.write(f"\n{asked} ")
    sys.stderr.flush()
    typed = sys.stdin.readline().strip()
    if typed != name:
        raise OperationCancelledError(
            _("That is not {name}.", name=name) if typed else _("Not confirmed."),
            why=_("Nothing was removed."),
        )
