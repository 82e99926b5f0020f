"""The list of the wizard's pages, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.screen import Screen

from amlwizard.tui.pages.addresses import AddressesPage
from amlwizard.tui.pages.finish import FinishPage
from amlwizard.tui.pages.form import FormPage
from amlwizard.tui.pages.posture import PosturePage
from amlwizard.tui.pages.progress import ProgressPage
from amlwizard.tui.pages.review import ReviewPage
from amlwizard.tui.pages.score import ScorePage
from amlwizard.tui.pages.sign_in import SignInPage
from amlwizard.tui.pages.training import TrainingPage
from amlwizard.tui.pages.training_form import TrainingForm
from amlwizard.tui.pages.welcome import WelcomePage


@dataclass(frozen=True)
class PageSpec:
    """`sections` are the parts of the recipe that the page asks for; `after_start` marks a page
    that is empty until a run has started."""

    id: str
    title: str
    make: Callable[[], Screen[None]]
    sections: tuple[str, ...] = ()
    after_start: bool = False


def _form(*sections: str) -> Callable[[], Screen[None]]:
    return lambda: FormPage(*sections)


PAGES: tuple[PageSpec, ...] = (
    PageSpec("welcome", "Welcome", WelcomePage),
    PageSpec("sign-in", "Sign-in", SignInPage, ("sign_in",)),
    PageSpec("naming", "Naming", _form("names"), ("names",)),
    PageSpec("addresses", "Addresses", AddressesPage, ("addresses",)),
    PageSpec("security", "Security", _form("security"), ("security",)),
    PageSpec("training", "Training", TrainingForm, ("training",)),
    PageSpec(
        "serving",
        "Serving",
        _form("serving", "scoring", "expect"),
        ("serving", "scoring", "expect"),
    ),
    PageSpec("review", "Review", ReviewPage),
    PageSpec("progress", "Progress", ProgressPage, after_start=True),
    PageSpec("training-result", "Training result", TrainingPage, after_start=True),
    PageSpec("score", "Score", ScorePage, after_start=True),
    PageSpec("posture", "Posture", PosturePage, after_start=True),
    PageSpec("finish", "Finish", FinishPage, after_start=True),
)
BY_ID = {page.id: page for page in PAGES}


def of_field(path: str) -> PageSpec | None:
    """The page that asks for a field, given its path in the recipe."""
    section = path.partition(".")[0]
    return next((page for page in PAGES if section in page.sections), None)
