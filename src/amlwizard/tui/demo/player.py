"""Plays a demonstration: the real app, driven by key presses, with a caption for each screen.

Each act waits for what is on the screen, never for a fixed time; only typing and captions have
a pace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from rich.cells import cell_len
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from amlwizard.app.port import ApplicationPort, TargetName
from amlwizard.draft import Draft, DraftStore
from amlwizard.language import _
from amlwizard.tui.app import WizardApp
from amlwizard.tui.demo.script import Act, Field, Press, Say, See, Type, on_screen

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Pace:
    """Seconds between keys, for each word of a caption, and for the whole of a recorded run."""

    key: float
    word: float
    run: float

    def of(self, caption: str) -> float:
        """Seconds that a caption is shown before the next act."""
        return self.word * max(SHORTEST_WORDS, words(caption))


SHORTEST_WORDS = 8
LETTERS_OF_A_WORD = 2  # of a script that is written without spaces


def words(text: str) -> int:
    """How many words a text takes as long to read as: those with spaces between them, and wide letters
    by their number."""
    wide = sum(cell_len(letter) > 1 for letter in text)
    narrow = "".join(" " if cell_len(letter) > 1 else letter for letter in text).split()
    return len(narrow) + wide // LETTERS_OF_A_WORD


PACES = {
    "slow": Pace(0.12, 0.4, 60.0),
    "normal": Pace(0.05, 0.25, 30.0),
    "fast": Pace(0.01, 0.15, 15.0),  # as fast as most people read
}


class PlayedTime(Protocol):
    """The time of a run that is played."""

    def now(self) -> float: ...
    def start(self) -> None: ...
    def hold(self) -> None: ...


class Caption(Static):
    """What the current act is about, below the page, in place of the keys."""


class HaltedError(Exception):
    """The demonstration cannot continue: what it waits for will not happen."""


class DemoApp(WizardApp):
    """The app with a player. With `step`, a key press replaces every pause. With a `clock`, a run is
    played by it, and waits while a caption is read. `displayed` is set whenever something was drawn."""

    CSS = """
    KeyFooter { display: none; }
    Caption { dock: bottom; width: 100%; height: 2; padding: 0 2; background: $primary; color: $background; text-style: bold; }
    """

    def __init__(
        self,
        application: ApplicationPort,
        store: DraftStore,
        draft: Draft | None = None,
        *,
        target: TargetName,
        pace: Pace,
        step: bool = False,
        clock: PlayedTime | None = None,
    ) -> None:
        now = clock.now if clock else time.time
        super().__init__(application, store, draft, target, now=now)
        self.pace, self.by_keys, self.clock = pace, step, clock
        self.displayed = True
        self._key: asyncio.Event | None = None

    def post_display_hook(self) -> None:
        self.displayed = True

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and self._key and event.key not in ("ctrl+q", "ctrl+c"):
            self._key.set()
            return
        await super().on_event(event)

    async def read(self, caption: str) -> None:
        """Wait until a caption has been read, or for a key press if there are no pauses."""
        if self.clock:
            self.clock.hold()
        if self.by_keys:
            self._key = asyncio.Event()
            await self._key.wait()
            self._key = None
        else:
            await asyncio.sleep(self.pace.of(caption))
        if self.clock and self.running:
            self.clock.start()


async def play(acts: Iterable[Act], pilot: Pilot[object]) -> None:
    """Play acts on a DemoApp; it exits after the last one, or when it cannot continue."""
    app = pilot.app
    assert isinstance(app, DemoApp)
    try:
        for act in acts:
            await _do(act, app, pilot)
        code = app.ran.exit_code if app.ran else 0
    except HaltedError as halt:
        app.exit(1, message=str(halt))
        return
    app.exit(code)


async def _do(act: Act, app: DemoApp, pilot: Pilot[object]) -> None:
    match act:
        case Say(text):
            await _caption(app, text)
            await _drawn(app)
            await app.read(text)
        case Press(keys):
            await pilot.press(*keys)
        case Type(text):
            for character in text:
                await pilot.press("space" if character == " " else character)
                await asyncio.sleep(app.pace.key)
        case Field(path):
            app.go_to_field(path)
            await pilot.pause()
            await pilot.press("end", "ctrl+u")
        case See(what, so):
            while not (so(app) if so else what in on_screen(app)):
                if app._exit:  # the terminal was closed, or the user quit
                    raise HaltedError(_("The demonstration was ended."))
                if app.ran and app.ran.exit_code:
                    code = app.ran.exit_code
                    raise HaltedError(
                        _("The run ended with exit code {code}: see its journal.", code=code)
                    )
                await asyncio.sleep(POLL_SECONDS)


async def _caption(app: DemoApp, text: str) -> None:
    hint = _("  (any key goes on)") if app.by_keys else ""
    for screen in app.screen_stack:
        for caption in screen.query(Caption):
            caption.update(text + hint)
    if not app.screen.query(Caption):
        await app.screen.mount(Caption(text + hint, markup=False))


async def _drawn(app: DemoApp) -> None:
    """Wait until the current screen has been drawn, or replaced by another."""
    drawn, screen = asyncio.Event(), app.screen
    screen.call_after_refresh(drawn.set)
    while app.screen is screen and not drawn.is_set():
        await asyncio.sleep(POLL_SECONDS)
