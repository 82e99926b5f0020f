"""Verify: whether a platform keeps what its recipe promises, with the evidence for it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from amlwizard import console
from amlwizard.cli.desk import Desk, to_all
from amlwizard.cli.reading import usable_recipe
from amlwizard.cli.replaying import cancelling
from amlwizard.cli.targets import choice_of, home
from amlwizard.errors import InvalidInput
from amlwizard.events import Emit
from amlwizard.journal import newest
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, read
from amlwizard.steps.evidence import Looking


def verify(given: argparse.Namespace) -> int:
    recipe = usable_recipe(given.recipe)
    if given.html and Path(given.html).is_dir():
        raise InvalidInput(f"{given.html} is a folder.", fix="Name the file of the page.")
    listeners: list[Emit] = [console.login_prompt(sys.stderr)]
    if not given.json:
        listeners.append(console.Lines(sys.stderr))
    looking = Looking(skip=tuple(given.skip), wake=True)
    with Desk(choice_of(given)) as desk, cancelling() as control:
        desk.open(given.target)
        posture = desk.verify(recipe, to_all(listeners), control, looking)
    if given.html:
        _write(Path(given.html), posture, recipe, given.target)
    if given.json:
        print(json.dumps(posture.to_json(), indent=2, ensure_ascii=False))
    else:
        from amlwizard.report.table import show_posture

        show_posture(posture, sys.stdout)
        if given.html:
            print(f"\nReport: {given.html}")
    return 0 if posture.kept else 1


def _write(path: Path, posture: Posture, recipe: Recipe, target: str) -> None:
    from amlwizard.report import page
    from amlwizard.report.record import recorded

    text = page(posture, recipe, recorded(_journals(recipe), target))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be written.", why=error.strerror or "", fix="Name another file."
        ) from None


def _journals(recipe: Recipe) -> Iterator[Path]:
    """The journals of this recipe's runs, newest first."""
    for path in newest(home() / "runs"):
        saved = path.with_name("recipe.yaml")
        found = read(saved).recipe if saved.exists() else None
        if found and found.names.resource_group == recipe.names.resource_group:
            yield path
