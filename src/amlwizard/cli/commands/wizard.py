"""The wizard: the terminal app on top of the application."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from amlwizard.app.application import Application
from amlwizard.app.extras import require_sandbox
from amlwizard.app.targets import VARIABLE
from amlwizard.cli.options import WizardOptions
from amlwizard.cli.targets import choice_of
from amlwizard.command_line import command_line
from amlwizard.draft import DraftStore, from_file
from amlwizard.errors import InvalidInputError
from amlwizard.paths import state_folder
from amlwizard.tui.app import WizardApp

SESSIONS = "sessions"


def wizard(given: WizardOptions) -> int:
    """Return the app's exit code. Raises InvalidInputError if the terminal cannot draw it."""
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise InvalidInputError(
            "This terminal cannot draw the wizard.",
            why=f"TERM is {os.environ.get('TERM', '')!r}.",
            fix=f"Use `{command_line('ask')}`, which only writes lines, or set TERM to what the terminal is.",
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
    if not ended:
        # A call that hangs in a socket must not block the terminal: the answers are saved.
        sys.stdout.flush()
        os._exit(code)
    return code
