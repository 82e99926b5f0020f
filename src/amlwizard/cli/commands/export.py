"""The export command: a recipe as a script or template that works without amlwizard."""

from __future__ import annotations

import sys
from pathlib import Path

from amlwizard.cli.options import ExportOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.errors import InvalidInputError
from amlwizard.export import FORMATS
from amlwizard.paths import write


def export(given: ExportOptions) -> int:
    """Write the script or template to a file or standard output; a script becomes executable."""
    text = FORMATS[given.to](usable_recipe(given.recipe, changes(given.set)))
    if given.output is None:
        sys.stdout.write(text)
        return 0
    path = Path(given.output)
    try:
        write(path, text, opener=None)
        if text.startswith("#!"):
            path.chmod(path.stat().st_mode | 0o111)
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be written.", why=error.strerror or "", fix="Choose another -o FILE."
        ) from None
    print(f"{path}: {len(text.splitlines())} lines", file=sys.stderr)
    return 0
