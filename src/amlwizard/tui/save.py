"""Saving the recipe to a file that the user chooses."""

from __future__ import annotations

import re
from pathlib import Path

from textual.app import App

from amlwizard.command_line import replaying
from amlwizard.language import _, _n
from amlwizard.tui.dialogs.questions import AskPath, Choose, DialogOption
from amlwizard.tui.port import Wizard

FOLDER = Path("recipes")
WAYS = (
    DialogOption("write", _("Replace the file"), _("Its present content is lost.")),
    DialogOption("other", _("Save to another file"), _("Asks for the path again.")),
)
TEXT = _("The file to write. A recipe holds no secret, so that it can be shared and kept in git.")


def save(app: App[int], wizard: Wizard) -> None:
    """Ask for the file and write the recipe to it, finished or not."""
    prefix = str(wizard.session.draft.value("names.prefix") or "")
    name = re.sub(r"[^\w.-]", "", prefix).strip(".") or "recipe"
    ask(app, wizard, wizard.session.draft.saved or str(FOLDER / f"{name}.yaml"))


def ask(app: App[int], wizard: Wizard, path: str) -> None:
    """Ask for the path, starting from the given one; ask again if that file is not to be
    overwritten."""

    def given(path: Path | None) -> None:
        if path is None:
            return
        if path.is_file() and str(path) != wizard.session.draft.saved:
            text = _(
                "{path} exists already, and holds other answers than those of this session.",
                path=path,
            )
            app.push_screen(
                Choose(_("Replace the file?"), text, WAYS), lambda way: decided(path, way)
            )
        else:
            _write(app, wizard, path)

    def decided(path: Path, way: str | None) -> None:
        if way == "write":
            _write(app, wizard, path)
        else:
            ask(app, wizard, str(path))

    app.push_screen(AskPath(_("Save the recipe"), TEXT, path), given)


def _write(app: App[int], wizard: Wizard, path: Path) -> None:
    try:
        wizard.session.save(path)
    except OSError as error:
        app.notify(
            f"{error.strerror}: {path}", title=_("Not saved"), severity="error", markup=False
        )
        ask(app, wizard, str(path))
        return
    wizard.keep()
    errors = len(wizard.session.errors)
    if errors:
        text = _n(
            "{path}\nIt has {n} error to correct before it can be built.",
            "{path}\nIt has {n} errors to correct before it can be built.",
            errors,
            path=path,
        )
        app.notify(text, title=_("Draft saved"), severity="warning", markup=False)
        return
    command = replaying(path, wizard.session.draft.target)
    text = _("{path}\nReplay it: {command}", path=path, command=command)
    app.notify(text, title=_("Recipe saved"), markup=False)
