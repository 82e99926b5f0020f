"""The recipes command: lists and copies the recipes that come with the package."""

from __future__ import annotations

import sys
from pathlib import Path

from amlwizard.cli.options import CopyOptions, Options
from amlwizard.command_line import replaying
from amlwizard.recipe.bundled import BUNDLED, copy


def list_all(_: Options) -> int:
    for name, about in BUNDLED.items():
        print(f"{name:12}{about}")
    return 0


def copy_one(given: CopyOptions) -> int:
    to = Path(given.output or f"{given.name}.yaml")
    copy(given.name, to, given.force)
    print(f"{to} was written. To replay it: {replaying(to, 'sandbox')}", file=sys.stderr)
    return 0
