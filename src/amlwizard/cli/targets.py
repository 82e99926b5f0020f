"""What the command line says of targets."""

from __future__ import annotations

from amlwizard.app.targets import Choice
from amlwizard.cli.options import CloudOptions


def choice_of(given: CloudOptions) -> Choice:
    """What the command line says of targets."""
    return Choice(
        approve=given.approve, clock=given.clock, speed=given.speed, capture=given.capture
    )
