"""The verify command: whether a platform keeps what its recipe promises, with the evidence for
it."""

from __future__ import annotations

import sys
from pathlib import Path

from amlwizard import console
from amlwizard.app import outputs, reporting
from amlwizard.app.application import Application, fan_out
from amlwizard.cli.options import VerifyOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.run_output import while_read
from amlwizard.cli.signals import cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.events import Emit
from amlwizard.language import _


def verify(given: VerifyOptions) -> int:
    """Return 0 if every promise is kept, otherwise 1."""
    recipe = usable_recipe(given.recipe, changes(given.set))
    if given.html:
        outputs.usable(Path(given.html), "--html")
    application = Application(choice_of(given))
    with (
        application,
        cancelling() as control,
        application.using(given.target, control.cancelled) as target,
    ):
        listeners: list[Emit] = [console.login_prompt(target.approved_by)]
        if not given.json:
            listeners.append(console.Lines(sys.stderr))
        shown = while_read(fan_out(listeners), control)
        posture = application.verify(recipe, shown, control, given.skip, given.recipe)
    if given.html:
        reporting.write(Path(given.html), posture, recipe, reporting.journals(recipe))
    if given.json:
        console.print_json(posture.to_json(), sys.stdout, indent=2)
    else:
        console.show_posture(posture, console.output(sys.stdout), given.verbose)
        if given.html:
            told = _("Report: {file}", file=given.html)
            print(f"\n{told}")
    return 0 if posture.kept else 1
