"""The recipes that come with the package: read-only, to be copied or to begin from."""

from __future__ import annotations

import shutil
from pathlib import Path

from amlwizard.errors import InvalidInputError
from amlwizard.language import _
from amlwizard.nearest import did_you_mean
from amlwizard.paths import write
from amlwizard.recipe.file import load
from amlwizard.recipe.keeping import files_of

BUNDLED = {
    "quickstart": _("current good practice: private endpoints, AKS behind a public load balancer"),
    "private": _("private AKS and an internal load balancer, scored from inside the VNET"),
    "article": _("the names and service endpoints of a 2020 article, with warnings"),
    "spark": _(
        "training by Spark, where the data outgrows one machine, with a sweep of parameters"
    ),
}


def path_of(name: str) -> Path:
    """The file of a bundled recipe: in an installed package beside this module, in a checkout at its
    top."""
    installed = Path(__file__).with_name("recipes")
    folder = installed if installed.exists() else Path(__file__).parents[3] / "recipes"
    return folder / f"{name}.yaml"


def copy(name: str, to: Path, overwrite: bool = False) -> None:
    """Copy a bundled recipe and the files that it names, without the line that names a schema beside
    it: none is there.

    Raises InvalidInputError where there is no such recipe, where a file exists and is not to be
    overwritten, and where it cannot be written.
    """
    if name not in BUNDLED:
        raise InvalidInputError(
            _("No recipe {name!r} comes with amlwizard.", name=name),
            why=_("There are {recipes}.", recipes=_(", ").join(BUNDLED)),
            fix=did_you_mean(name, BUNDLED, _("Name one of these.")),
        )
    beside = {file.path: to.with_name(file.path.name) for file in files_of(load(path_of(name)))}
    there = next((file for file in (to, *beside.values()) if file.exists()), None)
    if there and not overwrite:
        raise InvalidInputError(
            _("{path} exists already.", path=there),
            why=_("Nothing was written."),
            fix=_("Name another file with -o FILE, or overwrite it with --force."),
        )
    lines = path_of(name).read_text(encoding="utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("# yaml-language-server:"))
    try:
        write(to, text, opener=None)
        for file, copied in beside.items():
            shutil.copyfile(file, copied)
    except OSError as error:
        raise InvalidInputError(
            _("{path} cannot be written.", path=to),
            why=error.strerror or "",
            fix=_("Choose another -o FILE."),
        ) from None
