"""Saving the recipe where its owner wants it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from amlwizard import recipe as recipes
from amlwizard.tui.dialogs import AskPath

if TYPE_CHECKING:
    from amlwizard.tui.app import WizardApp

FOLDER = Path("recipes")
TEXT = "The file to write. A recipe holds no secret; it replays with: amlwizard replay FILE"


def save(app: WizardApp) -> None:
    """Ask for the file, and write the recipe as its answers stand."""
    recipe = app.session.recipe
    if recipe is None:
        app.notify("A recipe with errors is not saved: correct them first.", severity="error")
        return
    path = app.session.draft.saved or str(FOLDER / f"{recipe.names.prefix}.yaml")
    app.push_screen(AskPath("Save the recipe", TEXT, path), lambda path: _write(app, path))


def _write(app: WizardApp, path: Path | None) -> None:
    recipe = app.session.recipe
    if path is None or recipe is None:
        return
    try:
        recipes.save(recipe, path)
    except OSError as error:
        app.notify(f"{error.strerror}: {path}", title="Not saved", severity="error", markup=False)
        return
    app.session.saved(str(path))
    app.keep()
    text = f"{path}\nIt replays with: amlwizard replay {path}"
    app.notify(text, title="Recipe saved", markup=False)
