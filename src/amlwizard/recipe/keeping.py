"""Keeping a recipe together with the files that it names, so that it can be replayed as it was."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from amlwizard.paths import private, private_folder, write
from amlwizard.recipe.comments import with_comments
from amlwizard.recipe.file import lines_of
from amlwizard.recipe.sections import Recipe, Section
from amlwizard.recipe.validation import SECTIONS, Reading, examine, put
from amlwizard.recipe.values import RecipeFile
from amlwizard.recipe.writing import save_text, text_of, text_of_raw

LARGEST = 2_000_000  # bytes of a file that is copied; a larger one is named where it is


def keep(recipe: Recipe, path: Path) -> None:
    """Save a recipe for its owner only, with copies of the small files that it names beside it. Raises
    OSError."""
    private_folder(path.parent)
    write(path, text_of(_naming(recipe, lambda file: _kept(file, path.parent))))


def files_of(recipe: Recipe) -> Iterator[RecipeFile]:
    """The files that a recipe names and that are there."""
    for _, section in recipe:
        values = (value for _, value in section) if isinstance(section, Section) else ()
        yield from (v for v in values if isinstance(v, RecipeFile) and v.path.is_file())


def save_beside(reading: Reading, path: Path, source: Path | None = None) -> dict[str, str]:
    """Save a recipe, finished or not, and let its files be where they are: returns their names as they
    are seen from its folder, by their recipe paths. Comments are those of the file that it was read
    from, `source`. Raises OSError."""
    names = {
        f"{section}.{field}": _seen(value, path.parent)
        for section in SECTIONS
        for field, value in reading.sections[section] or ()
        if isinstance(value, RecipeFile) and value.path.is_file()
    }
    raw = copy.deepcopy(dict(reading.raw))
    for field, name in names.items():
        put(raw, field, name)
    again = examine(raw, folder=path.parent)
    text = text_of(again.recipe) if again.recipe else text_of_raw(raw)
    save_text(_commented(text, source), path)
    return names


def _commented(text: str, source: Path | None) -> str:
    """The text with the comments of a file, if that can still be read."""
    try:
        old = source.read_text(encoding="utf-8-sig") if source else ""
        return with_comments(text, lines_of(text), old, lines_of(old)) if "#" in old else text
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return text


def _naming(recipe: Recipe, named: Callable[[RecipeFile], str]) -> Recipe:
    """The recipe with other names of its files."""
    sections: dict[str, Section] = {}
    for name, section in recipe:
        if isinstance(section, Section):
            files = {
                field: named(value)
                for field, value in section
                if isinstance(value, RecipeFile) and value.path.is_file()
            }
            sections[name] = section.model_copy(update=files)
    return recipe.model_copy(update=sections)


def _seen(file: RecipeFile, folder: Path) -> str:
    if file.folder.resolve() == folder.resolve() or Path(file).expanduser().is_absolute():
        return str(file)
    return os.path.relpath(file.path.resolve(), folder.resolve())


def _kept(file: RecipeFile, folder: Path) -> str:
    """What a recipe in the folder calls the file."""
    if file.path.stat().st_size > LARGEST:
        return str(file.path.resolve())
    with file.path.open("rb") as given, open(folder / file.path.name, "wb", opener=private) as kept:
        shutil.copyfileobj(given, kept)
    return file.path.name
