"""The completion command: what a shell needs to complete commands, options and files."""

from __future__ import annotations

import argparse

import shtab

from amlwizard.cli.arguments import parser
from amlwizard.cli.options import CompletionOptions
from amlwizard.recipe.bundled import BUNDLED

FILES = (
    "recipe",
    "recipes",
    "captures",
)  # arguments that are files, although their metavar is not FILE


def completion(given: CompletionOptions) -> int:
    top = parser()
    _describe(top)
    print(shtab.complete(top, shell=given.shell))
    return 0


def _describe(command: argparse.ArgumentParser) -> None:
    """Set what completes each argument, unless its choices do."""
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                _describe(inner)
        elif action.metavar == "FILE" or action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == "NAME":
            action.choices = list(BUNDLED)
