"""Waiting between polls of a cloud."""

from __future__ import annotations

from threading import Event as Flag

from amlwizard.errors import OperationCancelledError


def pause(cancel: Flag, seconds: float) -> None:
    """Wait for `seconds`. Raises OperationCancelledError as soon as `cancel` is set."""
    if cancel.wait(seconds):
        raise OperationCancelledError("cancelled")
