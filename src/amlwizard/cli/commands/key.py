"""The key command: the key of a recipe's endpoint, for clients other than amlwizard."""

from __future__ import annotations

from amlwizard.app.application import Application
from amlwizard.cli.options import KeyOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.console import login_prompt


def key(given: KeyOptions) -> int:
    """Print the key, and nothing else, on standard output. Returns 0; raises InvalidInputError if there
    is no endpoint."""
    recipe = usable_recipe(given.recipe, changes(given.set))
    with (
        Application(choice_of(given)) as application,
        cancelling(ABOUT_READING) as control,
        application.using(given.target, control.cancelled) as target,
    ):
        prompt = login_prompt(target.approved_by)
        found = application.endpoint_key(recipe, prompt, control.cancelled)
    print(found.reveal())
    return 0
