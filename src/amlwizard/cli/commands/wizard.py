"""The wizard: the terminal app on top of the application."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from rich.cells import cell_len

from amlwizard import console
from amlwizard.app.application import Application
from amlwizard.app.extras import require_sandbox
from amlwizard.app.targets import VARIABLE
from amlwizard.cli.options import WizardOptions
from amlwizard.cli.targets import choice_of
from amlwizard.command_line import command_line
from amlwizard.console.output import padded
from amlwizard.draft import DraftStore, from_file
from amlwizard.errors import InvalidInputError
from amlwizard.language import _
from amlwizard.paths import state_folder
from amlwizard.plain_text import plain
from amlwizard.plan.outputs import TRAFFIC
from amlwizard.tui.app import WizardApp

SESSIONS = "sessions"


def wizard(given: WizardOptions) -> int:
    """Return the app's exit code. Raises InvalidInputError if the terminal cannot draw it."""
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise InvalidInputError(
            _("This terminal cannot draw the wizard."),
            why=_("TERM is {name!r}.", name=os.environ.get("TERM", "")),
            fix=_(
                "Use `{ask}`, which only writes lines, or set TERM to what the terminal is.",
                ask=command_line("ask"),
            ),
        )
    if not sys.stderr.encoding.lower().startswith("utf"):
        raise InvalidInputError(
            _("This terminal cannot draw the wizard."),
            why=_(
                "Its encoding, {encoding}, lacks the lines and marks that it draws.",
                encoding=sys.stderr.encoding,
            ),
            fix=_(
                "Use `{ask}`, or set LC_ALL to a UTF-8 locale, such as C.UTF-8.",
                ask=command_line("ask"),
            ),
        )
    if given.target == "sandbox" and VARIABLE not in os.environ:
        require_sandbox()
    draft = None
    if given.recipe:
        draft = from_file(Path(given.recipe))
        draft.page = "sign-in"
        draft.target = given.target or draft.target
    choice = replace(choice_of(given), attended=True, approve=bool(given.approve))
    application = Application(choice)
    app = WizardApp(application, DraftStore(state_folder() / SESSIONS), draft, target=given.target)
    try:
        code = app.run()
        code = (app.return_code or 0) if code is None else code  # it has no result if it crashed
    finally:
        ended = application.close()
    with suppress(OSError):  # the terminal may be gone
        print_summary(app, sys.stdout)
        sys.stdout.flush()
    if not ended:
        # A call that hangs in a socket must not block the terminal: the answers are saved.
        os._exit(code)
    return code


def print_summary(app: WizardApp, out: TextIO) -> None:
    """Print what the user needs after quitting the wizard: what exists where, and how to continue."""
    draft, view = app.session.draft, app.view
    if app.next_steps:
        places = {_("Recipe"): str(app.recipe_file)}
        if traffic := view.output(TRAFFIC):
            places[_("Endpoint")] = traffic.scoring_uri
        width = max(9, *map(cell_len, places))
        out.writelines(f"{padded(name, width)} {plain(place)}\n" for name, place in places.items())
        console.show_next_steps(app.next_steps, console.output(out))
    elif draft.changed:
        told = _("Your answers are kept: {command} offers to continue.", command=command_line())
        out.write(f"{told}\n")
