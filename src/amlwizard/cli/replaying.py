"""The replay command: run a recipe headless, from sign-in to a scored request."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from amlwizard import console
from amlwizard.app.application import Application, to_all
from amlwizard.cli.options import ReplayOptions
from amlwizard.cli.reading import changes, usable_recipe
from amlwizard.cli.targets import choice_of
from amlwizard.errors import InvalidInputError, OperationCancelledError
from amlwizard.events import Emit, Event
from amlwizard.run_control import RunControl
from amlwizard.view import RunView

SHOW_CURSOR = b"\x1b[?25h"  # a live table hides it


def replay(given: ReplayOptions) -> int:
    """Return the exit code of the run. Raises InvalidInputError on Azure without --yes."""
    recipe = usable_recipe(given.recipe, changes(given.set), given.ignore)
    if given.target == "azure" and not given.yes:
        raise InvalidInputError(
            "Building on Azure costs money, and replay never asks.",
            why="Nothing was done.",
            fix="Look at `amlwizard plan`, then add --yes.",
        )
    watch = Watch()
    application = Application(choice_of(given))
    with application, cancelling() as control, application.using(given.target):
        shown = while_read(progress(given.json), control)
        listeners: list[Emit] = [watch, shown, console.login_prompt(sys.stderr)]
        ran = application.run(
            recipe,
            given.recipe,
            to_all(listeners),
            control,
            tuple(given.rerun),
            given.until,
            tuple(given.ignore),
        )
    places = {"Recipe": str(ran.recipe), "Journal": str(ran.journal)}
    console.report(watch.view, places, sys.stderr if given.json else sys.stdout)
    return ran.exit_code


def progress(as_json: bool) -> Emit:
    """The display of a run: JSON lines, a live table on a terminal, plain lines elsewhere."""
    if as_json:
        return console.json_lines(sys.stdout)
    if sys.stdout.isatty():
        from rich.console import Console

        return console.LiveTable(Console())
    return console.Lines(sys.stdout)


def while_read(emit: Emit, control: RunControl) -> Emit:
    """`emit`, until the reader of standard output closes it (``| head``): then the run is
    cancelled."""

    def heeding(event: Event) -> None:
        try:
            emit(event)
        except BrokenPipeError:
            console.let_go(sys.stdout)
            control.cancel()

    return heeding


class Watch:
    """Keeps the `RunView` of a run."""

    def __init__(self) -> None:
        self.view = RunView()

    def __call__(self, event: Event) -> None:
        self.view = self.view.apply(event)


@contextmanager
def cancelling() -> Iterator[RunControl]:
    """Ctrl-C or SIGTERM cancels the run; a second one ends the process at once, whatever it waits
    for: an embedded sandbox ends with the process, and the next run finds what Azure has done."""
    control = RunControl()

    def stop(number: int, frame: object) -> None:
        if control.cancelled.is_set():
            if sys.stdout.isatty():
                os.write(1, SHOW_CURSOR)
            os._exit(OperationCancelledError.exit_code)
        control.cancel()
        # Not print: the signal may have interrupted one.
        os.write(2, b"\nCancelling; what Azure has begun goes on there.\n")

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield control
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
