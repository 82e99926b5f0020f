"""Writes a posture as an HTML page, for every command and front end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from amlwizard import paths
from amlwizard.app import outputs
from amlwizard.journal import newest
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, read


def write(path: Path, posture: Posture, recipe: Recipe, journals: Iterable[Path]) -> Path:
    """Write the page and return its path. Raises InvalidInputError if it cannot be written
    there.

    `journals` are those of the recipe's runs, newest first; timings and predictions come from
    them.
    """
    from amlwizard.report import page
    from amlwizard.report.record import recorded

    outputs.usable(path)
    text = page(posture, recipe, recorded(journals, posture.target))
    outputs.write(path, text)
    return path.absolute()


def journals(recipe: Recipe) -> Iterator[Path]:
    """The journals of this recipe's runs, newest first."""
    for path in newest(paths.state_folder() / "runs"):
        saved = path.with_name("recipe.yaml")
        found = read(saved).recipe if saved.exists() else None
        if found and found.names.resource_group == recipe.names.resource_group:
            yield path
