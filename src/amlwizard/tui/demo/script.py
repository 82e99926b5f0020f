"""The acts of a demonstration: captions, key presses, and waits for the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from amlwizard.tui.app import WizardApp
from amlwizard.tui.dialogs.login import LoginScreen


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
    """Go to a field and clear it."""

    path: str


@dataclass(frozen=True)
class See:
    """Wait for a text on the screen, or until `so` is true; then `what` describes the condition."""

    what: str
    so: Callable[[WizardApp], object] | None = None


Act = Say | Press | Type | Field | See


def press(*keys: str) -> Press:
    return Press(keys)


def _at(page: str) -> See:
    """Wait until the page is shown and mounted."""

    def stands(app: WizardApp) -> bool:
        return app.screen is app.get_screen(page) and app.screen.is_mounted

    return See(f"the page {page}", stands)


def _page(page: str) -> Iterator[Act]:
    """Go to the next page, which is `page`."""
    yield press("ctrl+n")
    yield _at(page)


def from_nothing(prefix: str) -> Iterator[Act]:
    """From the Welcome page to the addresses, typing a prefix."""
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
    """Sign in with a device code, which the sandbox approves."""
    yield Say("Signing in with a device code. It cannot be missed, and it closes by itself.")
    yield press("ctrl+l")
    yield See("the sign-in", lambda app: isinstance(app.screen, LoginScreen))
    yield Say("A person would open the page and enter the code. Here the sandbox's person agrees.")
    yield press("a")
    yield See("the account", lambda app: app.account and not isinstance(app.screen, LoginScreen))


def an_overlap() -> Iterator[Act]:
    """Two overlapping ranges, shown on the map and cured with a key."""
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
    """Start with the answers of a recipe: sign in, and look at the map."""
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


def on_screen(app: WizardApp) -> str:
    """The text on the screen, line by line."""
    return "\n".join(
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    )
