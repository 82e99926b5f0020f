"""Keeping a recipe together with the files that it names, so that it can be replayed as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from amlwizard.recipe.sections import Recipe, Section
from amlwizard.recipe.values import RecipeFile
from amlwizard.recipe.writing import save

LARGEST = 2_000_000  # bytes of a file that is copied; a larger one is named where it is


def keep(recipe: Recipe, path: Path) -> None:
    """Save a recipe, with copies of the small files that it names beside it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _save_with(recipe, path, lambda file: _kept(file, path.parent))


def files_of(recipe: Recipe) -> Iterator[RecipeFile]:
    """The files that a recipe names and that are there."""
    for _, section in recipe:
        values = (value for _, value in section) if isinstance(section, Section) else ()
        yield from (v for v in values if isinstance(v, RecipeFile) and v.path.is_file())


def save_beside(recipe: Recipe, path: Path) -> dict[str, str]:
    """Save a recipe, and let its files be where they are: their names as they are seen from its
    folder, by their recipe paths. Raises OSError."""
    return _save_with(recipe, path, lambda file: _seen(file, path.parent))


def _save_with(recipe: Recipe, path: Path, named: Callable[[RecipeFile], str]) -> dict[str, str]:
    names: dict[str, str] = {}
    sections: dict[str, Section] = {}
    for name, section in recipe:
        if isinstance(section, Section):
            files = {
                field: named(value)
                for field, value in section
                if isinstance(value, RecipeFile) and value.path.is_file()
            }
            sections[name] = section.model_copy(update=files)
            names |= {f"{name}.{field}": file for field, file in files.items()}
    save(recipe.model_copy(update=sections), path)
    return names


def _seen(file: RecipeFile, folder: Path) -> str:
    if file.folder.resolve() == folder.resolve() or Path(file).expanduser().is_absolute():
        return str(file)
    return os.path.relpath(file.path.resolve(), folder.resolve())


def _kept(file: RecipeFile, folder: Path) -> str:
    """What a recipe in the folder calls the file."""
    if file.path.stat().st_size > LARGEST:
        return str(file.path.resolve())
    shutil.copyfile(file.path, folder / file.path.name)
    return file.path.name
