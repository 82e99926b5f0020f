"""How the options of a command select a target."""

from __future__ import annotations

from pathlib import Path

from amlwizard.app.outputs import usable
from amlwizard.app.targets import Choice
from amlwizard.cli.options import CloudOptions


def choice_of(given: CloudOptions) -> Choice:
    """The `Choice` made by the options of a command. Raises InvalidInputError if the file of
    --capture cannot be written."""
    if given.capture:
        usable(Path(given.capture), "--capture")
    return Choice(
        approve=given.approve, clock=given.clock, speed=given.speed, capture=given.capture
    )
