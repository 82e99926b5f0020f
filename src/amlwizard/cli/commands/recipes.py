"""The recipes command: lists and copies the recipes that come with the package."""

from __future__ import annotations

import sys
from pathlib import Path

from amlwizard.cli.options import CopyOptions, Options
from amlwizard.command_line import replaying
from amlwizard.language import _
from amlwizard.recipe.bundled import BUNDLED, copy


def list_all(given: Options) -> int:
    for name, about in BUNDLED.items():
        print(f"{name:12}{about}")
    return 0


def copy_one(given: CopyOptions) -> int:
    to = Path(given.output or f"{given.name}.yaml")
    copy(given.name, to, given.force)
    told = _(
        "{file} was written. To replay it: {command}", file=to, command=replaying(to, "sandbox")
    )
    print(told, file=sys.stderr)
    return 0
