"""The acts of a demonstration: captions, key presses, and waits for the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from amlwizard.language import _
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


THE_END = _("That was amlwizard, from nothing to a scored request. Your turn!")
OVERLAP = "SN-5"
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
    yield Say(_("Nothing is there yet. Let us make a recipe, and build it in the sandbox."))
    yield See("the ways to begin", lambda app: app.focused and app.focused.id == "ways")
    yield press("enter")
    yield _at("sign-in")
    yield from sign_in()
    yield from _page("naming")
    yield Say(
        _("One prefix names everything. Every name can be changed, and is checked as you type.")
    )
    yield Type(prefix)
    yield See(f"cr{prefix}")
    yield from _page("addresses")
    yield from an_overlap()


def sign_in() -> Iterator[Act]:
    """Sign in with a device code, which the sandbox approves."""
    yield Say(
        _("Signing in with a device code. This dialog closes by itself when you have signed in.")
    )
    yield press("ctrl+l")
    yield See("the sign-in", lambda app: isinstance(app.screen, LoginScreen))
    yield Say(
        _("On Azure you would open the page and enter the code. The sandbox has a key for that.")
    )
    yield press("a")
    yield See("the account", lambda app: app.account and not isinstance(app.screen, LoginScreen))


def an_overlap() -> Iterator[Act]:
    """Two overlapping ranges, shown on the map and cured with a key."""
    yield Say(
        _("The VNET, drawn to scale. Now the compute subnet gets the range of the scoring subnet.")
    )
    yield Field("addresses.compute")
    yield Type("10.100.120.0/24")
    yield See("the overlap", _overlaps)
    yield Say(
        _("Both light up, and the finding says what Azure would refuse. One key applies the fix.")
    )
    yield press("ctrl+r")
    yield See("no overlap", lambda app: not _overlaps(app))
    yield Say(_("Fixed: the subnet has a range that is free."))


def _overlaps(app: WizardApp) -> bool:
    return any(finding.rule == OVERLAP for finding in app.findings)


def from_a_recipe() -> Iterator[Act]:
    """Start with the answers of a recipe: sign in, and look at the map."""
    yield _at("sign-in")
    yield from sign_in()
    yield from _page("naming")
    yield Say(_("The recipe has a name for everything."))
    yield from _page("addresses")
    yield Say(_("The VNET, drawn to scale, with the space that is left in it."))


def built() -> Iterator[Act]:
    """From the addresses to the end: review, run, results."""
    yield from _page("security")
    yield Say(_("Network security: private endpoints, NAT, AKS, and a secure way in."))
    yield from _page("training")
    yield from _page("serving")
    yield Say(_("What is trained, what serves it, and the request that shows that it works."))
    yield from _page("review")
    yield See("the plan of the cloud", lambda app: app.plan and app.plan.target)
    yield Say(
        _("The plan, compared with the cloud: every step, its az command, and how long it takes.")
    )
    yield press("g")
    yield See("a step that runs", lambda app: app.ran or app.view.counts().get("running"))
    yield from watched()


def watched() -> Iterator[Act]:
    """A run from its start to its results."""
    yield See("two at once", lambda app: app.ran or app.view.counts().get("running", 0) > 1)
    yield Say(_("Steps run side by side: each begins as soon as all that it needs is there."))
    yield press("t")
    yield Say(
        _("The same as a timeline. What is to come is drawn as long as it is expected to take.")
    )
    yield See("the end of the run", lambda app: app.ran)
    yield Say(_("Done. Every step tells how it ended, and the journal has all of it."))
    yield from _page("training-result")
    yield Say(_("The result of training: the cells, the error, and predictions against the truth."))
    yield from _page("score")
    yield Say(_("The request that was sent, and the model's answer."))
    yield from _page("posture")
    yield Say(
        _("Every security promise of the recipe, with evidence from outside and inside the VNET.")
    )
    yield from _page("finish")
    yield Say(_("Where everything is, what took longest, and the command that builds it again."))
    yield Say(THE_END)


def on_screen(app: WizardApp) -> str:
    """The text on the screen, line by line."""
    return "\n".join(
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    )
