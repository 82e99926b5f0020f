"""Quitting: answers are saved, and the user is asked before a run is left."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from textual.app import App

from amlwizard.tui.dialogs.questions import Choose
from amlwizard.tui.port import Wizard

CANCELLED = 130
TEXT = (
    "A run is under way. What the cloud has begun goes on there without amlwizard; the next "
    "amlwizard offers to continue, and adopts it."
)
WAYS = (
    ("leave", "Leave it: end amlwizard now, continue later"),
    ("cancel", "Cancel the run, and stay here"),
    ("stay", "Go on"),
)


class Leave(Choose):
    """Asks what to do about the run; shown once, on top of any other dialog."""


def leave(app: App[int], wizard: Wizard) -> None:
    """Quit, or ask first if a run is in progress."""

    def decided(way: str | None) -> None:
        if way == "leave":
            end(app, wizard, 0)
        elif way == "cancel":
            wizard.runs.cancel()

    if not wizard.running:
        end(app, wizard, outcome(wizard))
    elif not isinstance(app.screen, Leave):
        app.push_screen(Leave("Leave", TEXT, WAYS), decided)


def outcome(wizard: Wizard) -> int:
    """The exit code: that of the run, else 1 if a later verification failed."""
    code = wizard.ran.exit_code if wizard.ran else 0
    return code or int(bool(wizard.verified and wizard.verified.of("broken")))


def end(app: App[int], wizard: Wizard, code: int) -> None:
    """Save the answers and quit."""
    wizard.keep()
    wizard.cancel_calls()
    app.exit(code)


def catch_signals(app: App[int], wizard: Wizard) -> None:
    """Make SIGTERM, SIGHUP and SIGINT save the answers and quit, with exit code 130."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        with contextlib.suppress(AttributeError, RuntimeError, ValueError, NotImplementedError):
            loop.add_signal_handler(getattr(signal, name), end, app, wizard, CANCELLED)
