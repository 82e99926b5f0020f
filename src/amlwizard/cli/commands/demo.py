"""The demo command: the app driven automatically through the sandbox, or through the journal of a
recorded run."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

from amlwizard.app.application import Application
from amlwizard.app.extras import require_sandbox
from amlwizard.app.outputs import usable
from amlwizard.app.playback import Playback
from amlwizard.app.targets import VARIABLE, Choice
from amlwizard.cli import recording
from amlwizard.cli.options import DemoOptions
from amlwizard.draft import Draft, DraftStore, from_file
from amlwizard.errors import InvalidInputError
from amlwizard.tui.demo import player, script

PREFIX = "mldemo01"
SIGN_IN_CODE = "SANDBOX42"  # shown in pictures and recordings: it grants no access


def demo(given: DemoOptions) -> int:
    """Play the demo, or record it with --record. Raises InvalidInputError if there is no
    terminal."""
    if given.journal and given.recipe:
        raise InvalidInputError(
            "A demo plays a recipe or a journal, not both.",
            why=f"{given.recipe} and {given.journal} were given.",
            fix="Leave one of them out.",
        )
    if given.record:
        usable(Path(given.record), "--record")
    _readable(given)
    if given.record:
        return recording.record(given.record, _again(given))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInputError(
            "The demo draws on a terminal, and there is none here.",
            fix="Use --record FILE, which brings a terminal of its own.",
        )
    with tempfile.TemporaryDirectory(prefix="amlwizard-demo-") as folder:
        return _played(given, Path(folder))


def _readable(given: DemoOptions) -> None:
    """Raise InvalidInputError now if the input cannot be played, instead of recording that
    error."""
    if given.journal:
        Playback.of(Path(given.journal), 0).draft  # noqa: B018
        return
    require_sandbox()
    if given.recipe:
        from_file(Path(given.recipe))


def _again(given: DemoOptions) -> list[str]:
    """The command of the same demo, for the recorder's terminal."""
    command = [sys.executable, "-m", "amlwizard", "demo", "--pace", given.pace]
    command += [str(given.recipe)] if given.recipe else []
    command += ["--step"] if given.step else []
    return command + (["--journal", given.journal] if given.journal else [])


def _played(given: DemoOptions, folder: Path) -> int:
    """Play in a temporary folder: a demo continues no session, and changes nothing that exists."""
    store = DraftStore(folder / "sessions")
    make = partial(player.DemoApp, pace=player.PACES[given.pace], step=given.step, target="sandbox")
    if given.journal:
        playback = Playback.of(Path(given.journal), player.PACES[given.pace].caption)
        draft = playback.draft
        draft.page = "review"
        app = make(playback, store, draft)
        return _walk(app, _journal())
    draft_or_none = from_file(Path(given.recipe)) if given.recipe else None
    if draft_or_none:
        draft_or_none.page = "sign-in"
    return _in_a_sandbox(folder, make, store, draft_or_none)


def _in_a_sandbox(
    folder: Path, make: Callable[..., player.DemoApp], store: DraftStore, draft: Draft | None
) -> int:
    os.environ["AMLWIZARD_HOME"] = str(folder)
    os.environ.pop(VARIABLE, None)
    choice = Choice(attended=True, approve=False)
    with Application(choice) as application:
        with application.using("sandbox") as target:
            target.tell("plant", {"user_code": SIGN_IN_CODE})
        start = script.from_a_recipe() if draft else script.from_nothing(PREFIX)
        return _walk(make(application, store, draft), _both(start, script.built()))


def _both(*parts: Iterator[script.Act]) -> Iterator[script.Act]:
    for part in parts:
        yield from part


def _journal() -> Iterator[script.Act]:
    yield script.Say("A run that was recorded, through the same screens. No cloud is asked.")
    yield script.press("g")
    yield script.See("a step that runs", lambda app: app.ran or app.view.counts().get("running"))
    yield from script.watched()


def _walk(app: player.DemoApp, acts: Iterator[script.Act]) -> int:
    async def pilot(one: Pilot[object]) -> None:
        await player.play(acts, one)

    return app.run(auto_pilot=pilot) or 0
