"""The replay command: run recipes headless, from sign-in to a scored request."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from amlwizard import console
from amlwizard.app.application import Application, fan_out
from amlwizard.cli.options import ReplayOptions
from amlwizard.cli.recipe_argument import changes, known, usable_recipe, usable_recipes
from amlwizard.cli.run_output import Watch, progress, while_read
from amlwizard.cli.signals import cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.command_line import command_line
from amlwizard.errors import InvalidInputError
from amlwizard.events import Emit
from amlwizard.language import _
from amlwizard.next_steps import next_steps
from amlwizard.recipe import Recipe
from amlwizard.run_control import FleetControl


def replay(given: ReplayOptions) -> int:
    """Return the exit code of the run, or the highest one of several. Raises InvalidInputError on
    Azure without --yes."""
    known(given.ignore)
    if len(given.recipes) > 1:
        return _replay_all(given, usable_recipes(given.recipes, changes(given.set), given.ignore))
    [name] = given.recipes
    recipe = usable_recipe(name, changes(given.set), given.ignore)
    _must_be_meant(given)
    watch = Watch()
    application = Application(choice_of(given))
    with (
        application,
        cancelling() as control,
        application.using(given.target, control.cancelled) as target,
    ):
        show = progress(given.json, application.expected(recipe))
        shown = fan_out([show, console.login_prompt(target.approved_by)])
        listeners: list[Emit] = [watch, while_read(shown, control)]
        ran = application.run(
            recipe,
            name,
            fan_out(listeners),
            control,
            tuple(given.rerun),
            given.until,
            tuple(given.ignore),
        )
    places = {_("Recipe"): str(ran.recipe), _("Journal"): str(ran.journal)}
    path = ran.recipe if given.set else name  # which has what was set
    access = application.places.access[given.target].of(recipe.sign_in)
    steps = next_steps(watch.view, path, access)
    out = console.output(sys.stderr if given.json else sys.stdout)
    console.report(watch.view, places, out, steps)
    return ran.exit_code


def _replay_all(given: ReplayOptions, recipes: Mapping[str, Recipe]) -> int:
    from amlwizard.app.fleet import Fleet, Work
    from amlwizard.cli.fleet_output import FleetOutput

    _must_be_meant(given)
    application, control = Application(choice_of(given)), FleetControl(len(recipes))
    work = Work(tuple(given.rerun), given.until, tuple(given.ignore))
    with (
        application,
        cancelling(control=control),
        application.using(given.target, control.cancelled) as target,
    ):
        output = FleetOutput(recipes, given.target, target.approved_by, given.json, control)
        with output.shown():
            fleet = Fleet(application, recipes, given.jobs, control)
            results = fleet.run(work, output.listener)
    return output.summary(results)


def _must_be_meant(given: ReplayOptions) -> None:
    if given.target == "azure" and not given.yes:
        raise InvalidInputError(
            _("Building on Azure costs money, and replay does not ask first."),
            why=_("Nothing was done."),
            fix=_(
                "See what it would do: `{plan}`. Then add --yes.",
                plan=command_line("plan", given.recipes[0], "--target", "azure"),
            ),
        )
