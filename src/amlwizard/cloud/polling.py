"""Waiting for what a cloud is doing."""

from __future__ import annotations

from threading import Event as Flag

from amlwizard.errors import OperationCancelledError


def pause(cancel: Flag, seconds: float) -> None:
    """Wait so long; OperationCancelledError as soon as somebody cancels."""
    if cancel.wait(seconds):
        raise OperationCancelledError("cancelled")
