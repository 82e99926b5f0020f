"""Quitting: answers are saved, and the user is asked before a run is left."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

from textual.app import App

from amlwizard.language import _
from amlwizard.run_control import signals_handled_by
from amlwizard.tui.dialogs.questions import Choose, DialogOption
from amlwizard.tui.port import Wizard

CANCELLED = 130
LONGEST_SECONDS = 1.5  # from a signal to the end
TEXT = _(
    "A run is in progress. If you leave now, operations that have begun continue in the "
    "cloud; the next time you start amlwizard, you can resume the run, and it picks them "
    "up."
)
WAYS = (
    DialogOption(
        "leave",
        _("Quit now and resume later"),
        _(
            "Ends amlwizard. No further step is started; your answers and the run's journal are "
            "kept."
        ),
    ),
    DialogOption(
        "cancel",
        _("Cancel the run and stay here"),
        _("Starts no further step. Progress shows what is done, and Retry goes on from there."),
    ),
    DialogOption("stay", _("Keep running"), _("Closes this dialog; nothing changes.")),
)


class QuitDialog(Choose):
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
    elif not isinstance(app.screen, QuitDialog):
        app.push_screen(QuitDialog(_("Quit during a run"), TEXT, WAYS), decided)


def outcome(wizard: Wizard) -> int:
    """The exit code: that of the run, else 1 if a later verification failed."""
    code = wizard.ran.exit_code if wizard.ran else 0
    return code or int(bool(wizard.verified and wizard.verified.of("broken")))


def end(app: App[int], wizard: Wizard, code: int) -> None:
    """Save the answers and quit."""
    wizard.keep()
    wizard.cancel_calls()
    app.exit(code)


def catch_signals(app: App[int], wizard: Wizard) -> Callable[[], None]:
    """Make SIGTERM, SIGHUP and SIGINT cancel the run, save the answers and quit, with exit code
    130. A second one, and a terminal that is gone, do not wait for the screen. Returns
    what gives the signals back."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None  # Python has signals in its main thread only
    loop = asyncio.get_running_loop()
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        # Not as a handler of the loop, which may be waiting for a terminal that is gone: Textual's
        # writer has ended then, and its queue takes no more.
        nonlocal asked
        if asked:
            os._exit(CANCELLED)
        asked = True
        watchdog = threading.Timer(LONGEST_SECONDS, _give_up, (wizard,))
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(_stop, app, wizard)

    caught = ExitStack()
    caught.enter_context(signals_handled_by(stop))
    return caught.close


def _stop(app: App[int], wizard: Wizard) -> None:
    wizard.runs.cancel()
    end(app, wizard, CANCELLED)


def _give_up(wizard: Wizard) -> None:
    """End the process, whatever the app waits for."""
    try:
        wizard.keep()
    finally:
        os._exit(CANCELLED)
