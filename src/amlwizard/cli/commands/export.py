"""The export command: a recipe as a script or template that works without amlwizard."""

from __future__ import annotations

import sys
from pathlib import Path

from amlwizard.app.outputs import usable, write
from amlwizard.cli.options import ExportOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.export import FORMATS
from amlwizard.language import _n


def export(given: ExportOptions) -> int:
    """Write the script or template to a file or standard output; a script becomes executable. Raises
    InvalidInputError if the file cannot be written, or exists and is not to be overwritten."""
    path = Path(given.output) if given.output else None
    if path:
        usable(path, "-o FILE", given.force)
    text = FORMATS[given.to](usable_recipe(given.recipe, changes(given.set)))
    if path is None:
        sys.stdout.write(text)
        return 0
    write(path, text, "-o FILE")
    if text.startswith("#!"):
        path.chmod(path.stat().st_mode | 0o111)
    lines = len(text.splitlines())
    told = _n("{path} is written: {n} line.", "{path} is written: {n} lines.", lines, path=path)
    print(told, file=sys.stderr)
    return 0
