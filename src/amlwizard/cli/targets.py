"""What the command line says of targets."""

from __future__ import annotations

from typing import Any

from amlwizard.app.targets import Choice


def choice_of(given: Any) -> Choice:
    """What the command line says of targets (an argparse namespace)."""
    return Choice(
        approve=given.approve, clock=given.clock, speed=given.speed, capture=given.capture
    )
