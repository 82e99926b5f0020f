"""The recipes command: those that come with the package, listed and copied."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from amlwizard.recipe.bundled import BUNDLED, copy


def recipes(given: argparse.Namespace) -> int:
    if given.within == "list":
        for name, about in BUNDLED.items():
            print(f"{name:12}{about}")
        return 0
    to = Path(given.output or f"{given.name}.yaml")
    copy(given.name, to, given.force)
    print(f"{to}: it replays with amlwizard replay {to} --target sandbox", file=sys.stderr)
    return 0
