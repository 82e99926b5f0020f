"""Waiting between polls of a cloud."""

from __future__ import annotations

from threading import Event as CancelEvent

from amlwizard.errors import OperationCancelledError


def pause(cancel: CancelEvent, seconds: float) -> None:
    """Wait for `seconds`. Raises OperationCancelledError as soon as `cancel` is set."""
    if cancel.wait(seconds):
        raise OperationCancelledError("cancelled")
