"""The list of the wizard's pages, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.screen import Screen

from amlwizard.language import _
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
    """`about` says what the page is for. `sections` are the parts of the recipe that it asks for;
    `after_start` marks a page that is empty until a run has started."""

    id: str
    title: str
    about: str
    make: Callable[[], Screen[None]]
    sections: tuple[str, ...] = ()
    after_start: bool = False


def _form(*sections: str) -> Callable[[], Screen[None]]:
    return lambda: FormPage(*sections)


PAGES: tuple[PageSpec, ...] = (
    PageSpec(
        "welcome",
        _("Welcome"),
        _(
            "Choose the cloud to build in, and how to begin: with what you left unfinished, a new "
            "recipe, one from a file, or a past run. d deletes a session, or the record of a run."
        ),
        WelcomePage,
    ),
    PageSpec(
        "sign-in",
        _("Sign-in"),
        _(
            "Who signs in to Azure, and in which subscription and region everything is built. You "
            "may sign in here and now: amlwizard then checks names, quotas and permissions while "
            "you answer. Otherwise you sign in when the run starts."
        ),
        SignInPage,
        ("sign_in",),
    ),
    PageSpec(
        "naming",
        _("Naming"),
        _(
            "The names of all resources. Type a prefix, and every other name follows from it. A "
            "name that you type yourself is kept; clear it, and it follows from the prefix again."
        ),
        _form("names"),
        ("names",),
    ),
    PageSpec(
        "addresses",
        _("Addresses"),
        _(
            "The address ranges of the VNET, its subnets and Kubernetes. The map shows which "
            "addresses are taken, which are free, and where ranges overlap; the table below it "
            "compares what each range holds with what is needed."
        ),
        AddressesPage,
        ("addresses",),
    ),
    PageSpec(
        "security",
        _("Security"),
        _(
            "How the platform is closed off from the Internet: private or service endpoints, "
            "outbound traffic, access to the Kubernetes API, and how people get into the VNET."
        ),
        _form("security"),
        ("security",),
    ),
    PageSpec(
        "training",
        _("Training"),
        _(
            "The Databricks cluster that trains the model, and the notebook that it runs: the "
            "example, or a notebook of your own with its parameters, packages and data."
        ),
        TrainingForm,
        ("training",),
    ),
    PageSpec(
        "serving",
        _("Serving"),
        _(
            "The AKS cluster and the online endpoint that serve the model, the request that is "
            "sent to it at the end, and the results that you expect."
        ),
        _form("serving", "scoring", "expect"),
        ("serving", "scoring", "expect"),
    ),
    PageSpec(
        "review",
        _("Review"),
        _(
            "What a run will do, step by step, with all your answers and all findings beside it, "
            "and what it costs by Azure's list prices. Start the run from here, or save the recipe "
            "to a file."
        ),
        ReviewPage,
    ),
    PageSpec(
        "progress",
        _("Progress"),
        _(
            "The run, step by step: what is done, what is in progress, what waits for what, and "
            "why a step failed. You can pause the run, cancel it, and retry it: a retry keeps what "
            "is already built."
        ),
        ProgressPage,
        after_start=True,
    ),
    PageSpec(
        "training-result",
        _("Training result"),
        _(
            "The notebook's cells as they run and what they print, the metrics that MLflow has "
            "logged, and the predictions against the actual values."
        ),
        TrainingPage,
        after_start=True,
    ),
    PageSpec(
        "score",
        _("Score"),
        _(
            "Send requests to the deployed model and read its answers. The request is checked "
            "against the model's signature while you type. Every request that was sent stays in "
            "the list below: press Enter on one to load it again."
        ),
        ScorePage,
        after_start=True,
    ),
    PageSpec(
        "posture",
        _("Posture"),
        _(
            "Whether the platform is as secure as the recipe promises. Each check compares the "
            "promise with Azure's own description of the resources, and with requests from outside "
            "the VNET (this machine) and from inside it (the Databricks cluster).\n\n✓ passed, ✗ "
            "failed, ? could not be decided; the evidence says why. A run verifies when it "
            "finishes, and ends with exit code 1 if a check failed. Verifying again starts the "
            "cluster if it has stopped."
        ),
        PosturePage,
        after_start=True,
    ),
    PageSpec(
        "finish",
        _("Finish"),
        _(
            "The result of the run: the predictions, what was built and where, and the commands to "
            "go on with."
        ),
        FinishPage,
        after_start=True,
    ),
)
BY_ID = {page.id: page for page in PAGES}


def of_field(path: str) -> PageSpec | None:
    """The page that asks for a field, given its path in the recipe."""
    section = path.partition(".")[0]
    return next((page for page in PAGES if section in page.sections), None)
