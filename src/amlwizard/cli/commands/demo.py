"""The demo command: the app driven automatically through the sandbox, or through the journal of a
recorded run."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from textual.pilot import Pilot

from amlwizard.app.application import Application
from amlwizard.app.extras import require_sandbox
from amlwizard.app.outputs import usable
from amlwizard.app.playback import Playback
from amlwizard.app.targets import VARIABLE, Choice
from amlwizard.cli import recording
from amlwizard.cli.options import DemoOptions
from amlwizard.command_line import command_line
from amlwizard.draft import Draft, DraftStore, from_file
from amlwizard.errors import InvalidInputError
from amlwizard.language import _
from amlwizard.tui.demo import player, script

SIZE = (120, 36)  # of a recording that no terminal shows
PREFIX = "mldemo01"
SIGN_IN_CODE = "SANDBOX42"  # shown in pictures and recordings: it grants no access


def demo(given: DemoOptions) -> int:
    """Play the demo, or record it with --record. Raises InvalidInputError if there is no
    terminal."""
    if given.journal and given.recipe:
        raise InvalidInputError(
            _("A demo plays a recipe or a journal, not both."),
            why=_("{recipe} and {journal} were given.", recipe=given.recipe, journal=given.journal),
            fix=_("Leave one of them out."),
        )
    if given.record and given.step:
        raise InvalidInputError(
            _("A demo that is recorded waits for no key."),
            why=_("--record and --step were given."),
            fix=_("Leave one of them out."),
        )
    if given.record:
        usable(Path(given.record), "--record")
    _readable(given)
    if not given.record and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInputError(
            _("The demo draws on a terminal, and there is none here."),
            fix=_("Use --record FILE, which needs none."),
        )
    with tempfile.TemporaryDirectory(prefix="amlwizard-demo-") as folder:
        return _played(given, Path(folder))


def _readable(given: DemoOptions) -> None:
    """Raise InvalidInputError now if the input cannot be played, instead of recording that
    error."""
    if given.journal:
        Playback.of(Path(given.journal), 1).draft  # noqa: B018
        return
    require_sandbox()
    if given.recipe:
        from_file(Path(given.recipe))


def _played(given: DemoOptions, folder: Path) -> int:
    """Play in a temporary folder: a demo continues no session, and changes nothing that exists."""
    store = DraftStore(folder / "sessions")
    pace = player.PACES[given.pace]
    make = partial(player.DemoApp, pace=pace, step=given.step, target="sandbox")
    if given.journal:
        playback = Playback.of(Path(given.journal), pace.run)
        draft = playback.draft
        draft.page = "review"
        app = make(playback, store, draft, clock=playback.clock)
        return _walk(app, _journal(), given.record)
    draft_or_none = from_file(Path(given.recipe)) if given.recipe else None
    if draft_or_none:
        draft_or_none.page = "sign-in"
    return _in_a_sandbox(folder, make, store, draft_or_none, given.record)


def _in_a_sandbox(
    folder: Path,
    make: Callable[..., player.DemoApp],
    store: DraftStore,
    draft: Draft | None,
    record: str | None,
) -> int:
    os.environ["AMLWIZARD_HOME"] = str(folder)
    os.environ.pop(VARIABLE, None)
    choice = Choice(attended=True, approve=False)
    with Application(choice) as application:
        with application.using("sandbox") as target:
            target.tell("plant", {"user_code": SIGN_IN_CODE})
        start = script.from_a_recipe() if draft else script.from_nothing(PREFIX)
        return _walk(make(application, store, draft), chain(start, script.built()), record)


def _journal() -> Iterator[script.Act]:
    yield script.Say(_("A recorded run, played in the same screens. No cloud is asked."))
    yield script.press("g")
    yield script.See("a step that runs", lambda app: app.ran or app.view.counts().get("running"))
    yield from script.watched()


def _walk(app: player.DemoApp, acts: Iterator[script.Act], record: str | None) -> int:
    if record:
        return _recorded(app, acts, Path(record))

    async def pilot(one: Pilot[object]) -> None:
        await player.play(acts, one)

    code = app.run(auto_pilot=pilot) or 0
    if code == 0:
        print(_("The demo is over. Start the wizard yourself: {command}", command=command_line()))
    return code


def _recorded(app: player.DemoApp, acts: Iterator[script.Act], file: Path) -> int:
    """Play without a terminal; what would be drawn on one goes into the cast."""
    size = shutil.get_terminal_size(SIZE) if sys.stdout.isatty() else SIZE
    with file.open("w", encoding="utf-8") as out:
        cast = recording.Cast(out, (size[0], size[1]), sys.stderr)

        async def pilot(one: Pilot[object]) -> None:
            app.set_interval(1 / recording.FRAMES_PER_SECOND, lambda: cast.draw(app))
            await player.play(acts, one)

        code = app.run(headless=True, size=(size[0], size[1]), auto_pilot=pilot) or 0
        seconds = cast.seconds
        cast.end()
    print(recording.finished(file, seconds), file=sys.stderr)
    return code
