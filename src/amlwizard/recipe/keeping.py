"""Keeping a recipe together with the files that it names, so that it can be replayed as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from amlwizard.recipe.sections import Recipe, Section
from amlwizard.recipe.values import RecipeFile
from amlwizard.recipe.writing import save

LARGEST = 2_000_000  # bytes of a file that is copied; a larger one is named where it is


def keep(recipe: Recipe, path: Path) -> None:
    """Save a recipe, with copies of the small files that it names beside it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(recipe.model_copy(update=dict(_sections(recipe, path.parent))), path)


def _sections(recipe: Recipe, folder: Path) -> Iterator[tuple[str, Section]]:
    for name, section in recipe:
        if isinstance(section, Section):
            files = {
                field: _kept(value, folder)
                for field, value in section
                if isinstance(value, RecipeFile) and value.path.is_file()
            }
            yield name, section.model_copy(update=files)


def _kept(file: RecipeFile, folder: Path) -> str:
    """What a recipe in the folder calls the file."""
    if file.path.stat().st_size > LARGEST:
        return str(file.path.resolve())
    shutil.copyfile(file.path, folder / file.path.name)
    return file.path.name
