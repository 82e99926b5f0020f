"""The replay command: run a recipe headless, from sign-in to a scored request."""

from __future__ import annotations

import sys

from amlwizard import console
from amlwizard.app.application import Application, to_all
from amlwizard.cli.options import ReplayOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.run_output import Watch, progress, while_read
from amlwizard.cli.signals import cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.errors import InvalidInputError
from amlwizard.events import Emit


def replay(given: ReplayOptions) -> int:
    """Return the exit code of the run. Raises InvalidInputError on Azure without --yes."""
    recipe = usable_recipe(given.recipe, changes(given.set), given.ignore)
    if given.target == "azure" and not given.yes:
        raise InvalidInputError(
            "Building on Azure costs money, and replay never asks.",
            why="Nothing was done.",
            fix="Look at `amlwizard plan`, then add --yes.",
        )
    watch = Watch()
    application = Application(choice_of(given))
    with application, cancelling() as control, application.using(given.target):
        shown = to_all([progress(given.json), console.login_prompt(sys.stderr)])
        listeners: list[Emit] = [watch, while_read(shown, control)]
        ran = application.run(
            recipe,
            given.recipe,
            to_all(listeners),
            control,
            tuple(given.rerun),
            given.until,
            tuple(given.ignore),
        )
    places = {"Recipe": str(ran.recipe), "Journal": str(ran.journal)}
    console.report(watch.view, places, sys.stderr if given.json else sys.stdout)
    return ran.exit_code
