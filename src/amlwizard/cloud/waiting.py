"""Waiting for what a cloud is doing."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag

from amlwizard.errors import Cancelled

Say = Callable[..., None]
"""Takes what is to be said of a wait, and whatever else is to be known."""


def pause(cancel: Flag, seconds: float) -> None:
    """Wait so long; Cancelled as soon as somebody cancels."""
    if cancel.wait(seconds):
        raise Cancelled("cancelled")
