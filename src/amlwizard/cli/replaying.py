"""Replay: a recipe, headless, from sign-in to a scored request."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event as Flag
from uuid import uuid4

from amlwizard import console, engine
from amlwizard.cli.reading import usable_recipe
from amlwizard.cli.targets import home, opened
from amlwizard.errors import Finding, InvalidInput
from amlwizard.events import Emit, Event
from amlwizard.journal import NAME, Journal
from amlwizard.plan import Phase, until
from amlwizard.recipe import save
from amlwizard.steps import steps_for
from amlwizard.view import RunView


def replay(given: argparse.Namespace) -> int:
    recipe = usable_recipe(given.recipe, _changes(given.set))
    if given.target == "azure" and not given.yes:
        raise InvalidInput(
            "Building on Azure costs money, and replay never asks.",
            why="Nothing was done.",
            fix="Look at `amlwizard plan`, then add --yes.",
        )
    steps = steps_for(recipe)
    if given.until:
        steps = until(steps, given.until)
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
    folder = home() / "runs" / run_id
    folder.mkdir(parents=True, mode=0o700)
    save(recipe, folder / "recipe.yaml")
    journal = Journal(folder / NAME)
    watch = _Watch()
    progress = _progress(given.json)
    rerun: list[Phase] = list(given.rerun)
    with opened(given) as target, _cancelling() as cancel:
        emit = _all([journal, watch, progress, console.login_prompt(sys.stderr)])
        job = engine.Job(recipe, given.recipe, target.cloud, given.target)
        code = engine.run(
            steps, job, target.listening(emit), cancel=cancel, rerun=rerun, run_id=run_id
        )
    journal.close()
    places = {"Recipe": str(folder / "recipe.yaml"), "Journal": str(journal.path)}
    console.report(watch.view, places, sys.stderr if given.json else sys.stdout)
    return code


def _progress(as_json: bool) -> Emit:
    if as_json:
        return console.json_lines(sys.stdout)
    if sys.stdout.isatty():
        from rich.console import Console

        return console.LiveTable(Console())
    return console.Lines(sys.stdout)


class _Watch:
    def __init__(self) -> None:
        self.view = RunView()

    def __call__(self, event: Event) -> None:
        self.view = self.view.apply(event)


def _all(listeners: Sequence[Callable[[Event], None]]) -> Emit:
    def emit(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return emit


def _changes(settings: Sequence[str]) -> dict[str, str]:
    changes = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path:
            what = f"--set {setting} is not of the form section.field=value."
            raise InvalidInput(what, findings=[Finding("set", "error", (), what)])
        changes[path] = value
    return changes


@contextmanager
def _cancelling() -> Iterator[Flag]:
    """A flag that Ctrl-C or SIGTERM sets; the second Ctrl-C ends the process at once."""
    cancel = Flag()

    def stop(number: int, frame: object) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        print("\nCancelling; what Azure has begun goes on there.", file=sys.stderr)

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancel
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
