"""The demonstration: the real app, walked by keys as a person would, with a caption for each screen.

What happens next waits for what is on the screen, never for a clock; only how fast keys are typed and
how long a caption stands is a matter of pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from amlwizard.tui.app import WizardApp
from amlwizard.tui.login import LoginScreen

LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Pace:
    """Seconds between keys, and seconds that a caption stands before anything happens."""

    key: float
    caption: float


PACES = {"slow": Pace(0.12, 4.0), "normal": Pace(0.05, 2.0), "fast": Pace(0.0, 0.0)}


@dataclass(frozen=True)
class Say:
    """A caption."""

    text: str


@dataclass(frozen=True)
class Press:
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Type:
    text: str


@dataclass(frozen=True)
class Field:
    """Go to a field, and empty it."""

    path: str


@dataclass(frozen=True)
class See:
    """Wait for a text on the screen, or for the app to be so. `what` says it where it never comes."""

    what: str
    so: Callable[[WizardApp], Any] | None = None


Act = Say | Press | Type | Field | See


def press(*keys: str) -> Press:
    return Press(keys)


def _at(page: str) -> See:
    """The page stands there whole, not merely asked for."""

    def stands(app: WizardApp) -> bool:
        return app.screen is app.get_screen(page) and app.screen.is_mounted

    return See(f"the page {page}", stands)


def _page(page: str) -> Iterator[Act]:
    """On to the next page, which is `page`."""
    yield press("ctrl+n")
    yield _at(page)


def from_nothing(prefix: str) -> Iterator[Act]:
    """From the welcome to the names, a prefix typed."""
    yield Say("Nothing is there yet. A new recipe, to be built in the sandbox.")
    yield See("New recipe")
    yield press("enter")
    yield _at("sign-in")
    yield from sign_in()
    yield from _page("naming")
    yield Say(
        "One prefix gives everything a name. Each can be changed; each is checked as it is typed."
    )
    yield Type(prefix)
    yield See(f"cr{prefix}")
    yield from _page("addresses")
    yield from an_overlap()


def sign_in() -> Iterator[Act]:
    """Signed in by device code, the sandbox's person agreeing."""
    yield Say("Signing in with a device code. It cannot be missed, and it closes by itself.")
    yield press("ctrl+l")
    yield See("the sign-in", lambda app: isinstance(app.screen, LoginScreen))
    yield Say("A person would open the page and enter the code. Here the sandbox's person agrees.")
    yield press("a")
    yield See("the account", lambda app: app.account and not isinstance(app.screen, LoginScreen))


def an_overlap() -> Iterator[Act]:
    """Two ranges that overlap, seen on the map, and cured by a key."""
    yield Say(
        "The VNET to scale. Now somebody gives the compute subnet the range of the scoring one."
    )
    yield Field("addresses.compute")
    yield Type("10.100.120.0/24")
    yield See("overlaps")
    yield Say(
        "Both light up, and the finding says what Azure would refuse. Its cure is one key away."
    )
    yield press("ctrl+r")
    yield See("no overlap", lambda app: "overlaps" not in on_screen(app))
    yield Say("Cured: a free range, around all that is there.")


def from_a_recipe() -> Iterator[Act]:
    """A recipe's answers are there: sign in, and look at the map."""
    yield _at("sign-in")
    yield from sign_in()
    yield from _page("naming")
    yield Say("The recipe has named everything.")
    yield from _page("addresses")
    yield Say("The VNET to scale, with what is left of it.")


def built() -> Iterator[Act]:
    """From the addresses to the end: review, run, results."""
    yield from _page("security")
    yield Say("What is closed off, and how: private endpoints, NAT, AKS, a secure entry.")
    yield from _page("training")
    yield from _page("serving")
    yield Say("What is trained, what serves it, and the request that proves it.")
    yield from _page("review")
    yield See("the plan of the cloud", lambda app: app.plan and app.plan.target)
    yield Say("The plan against what the cloud has: every step, its az command, how long it takes.")
    yield press("g")
    yield See("a step that runs", lambda app: app.ran or app.view.counts().get("running"))
    yield from watched()


def watched() -> Iterator[Act]:
    """A run from its start to its results."""
    yield Say("Everything that can overlap does: training begins while AKS is still being built.")
    yield press("t")
    yield See("the end of the run", lambda app: app.ran)
    yield Say("Done. Every step has a final word, and the journal holds all of it.")
    yield from _page("training-result")
    yield Say("What training came to: the cells, the error, actual against predicted.")
    yield from _page("score")
    yield Say("The request that was sent, and the model's answer.")
    yield from _page("posture")
    yield Say(
        "Every promise of the recipe, with its evidence from outside the VNET and from inside."
    )
    yield from _page("finish")
    yield Say("Where everything is, what was slowest, and the command that replays it.")


class Caption(Static):
    """One sentence over whatever screen there is."""


class HaltedError(Exception):
    """The demonstration cannot go on: what it waits for will not come."""


class DemoApp(WizardApp):
    """The app with a player. `step`: a key press takes the place of every pause."""

    def __init__(self, *given: Any, pace: Pace, step: bool = False, **more: Any) -> None:
        super().__init__(*given, **more)
        self.pace, self.by_keys = pace, step
        self._key: asyncio.Event | None = None

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and self._key and event.key not in ("ctrl+q", "ctrl+c"):
            self._key.set()
            return
        await super().on_event(event)

    async def a_moment(self) -> None:
        """As long as a caption stands."""
        if self.by_keys:
            self._key = asyncio.Event()
            await self._key.wait()
            self._key = None
        else:
            await asyncio.sleep(self.pace.caption)


async def play(acts: Iterable[Act], pilot: Pilot[Any]) -> None:
    """Play acts on a DemoApp; it ends with the last of them, or where it cannot go on."""
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


async def _do(act: Act, app: DemoApp, pilot: Pilot[Any]) -> None:
    match act:
        case Say(text):
            await _caption(app, text)
            await _drawn(app)
            await app.a_moment()
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
                if app._exit:  # the terminal was closed, or somebody quit
                    raise HaltedError("The demonstration was ended.")
                if app.ran and app.ran.exit_code:
                    raise HaltedError(
                        f"The run ended with exit code {app.ran.exit_code}: see its journal."
                    )
                await asyncio.sleep(LOOK_SECONDS)


async def _caption(app: DemoApp, text: str) -> None:
    for screen in app.screen_stack:
        await screen.query(Caption).remove()
    hint = "  (any key goes on)" if app.by_keys else ""
    await app.screen.mount(Caption(text + hint, markup=False))


async def _drawn(app: DemoApp) -> None:
    """Until the screen as it is has been drawn, however fast the pace, or another has come."""
    drawn, screen = asyncio.Event(), app.screen
    screen.call_after_refresh(drawn.set)
    while app.screen is screen and not drawn.is_set():
        await asyncio.sleep(LOOK_SECONDS)


def on_screen(app: WizardApp) -> str:
    """The text that stands on the screen."""
    return "\n".join(
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    )
