"""How the options of a command select a target."""

from __future__ import annotations

from amlwizard.app.targets import Choice
from amlwizard.cli.options import CloudOptions


def choice_of(given: CloudOptions) -> Choice:
    """The `Choice` made by the options of a command."""
    return Choice(
        approve=given.approve, clock=given.clock, speed=given.speed, capture=given.capture
    )
