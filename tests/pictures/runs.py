"""Scenes of a run, made from a recorded one: going on, failed, finished, asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from support import RECIPES, existing
from support.tui_support import page_of, recorded, unkept, wizard, wizard_of
from textual.filter import Monochrome
from textual.pilot import Pilot
from textual.widgets import TextArea

from amlwizard.app.port import RunResult
from amlwizard.draft import from_file
from amlwizard.errors import OperationCancelledError
from amlwizard.events import LoginNeeded, RunFinished, StepFinished
from amlwizard.payloads import ScoringResponse
from amlwizard.tui.app import WizardApp
from amlwizard.tui.pages.progress import ProgressPage
from amlwizard.tui.theme import LIGHT
from amlwizard.view import RunView
from pictures import picture, settled
from pictures.pages import Planner, keys

URL = "https://microsoft.com/devicelogin"
CODE = "NOTAC0DE9"
LIVES = 900.0


def moment(
    page: str, view: RunView, running: bool = False, backend: type[Quiet] | None = None
) -> Callable[[], WizardApp]:
    """The app at a page while a run stands so, at the time of its last event."""

    def make() -> WizardApp:
        draft = from_file(RECIPES / "quickstart.yaml")
        draft.page, draft.run, draft.saved = page, view.run, "recipes/quickstart.yaml"
        draft.visited = [
            "welcome", "sign-in", "naming", "addresses", "security", "training", "serving", "review"
        ]  # fmt: skip
        made = wizard((backend or Quiet)(), draft, now=lambda: view.now)
        made.view, made.running = view, running
        made.expected = Quiet().expected(existing(made.session.recipe))
        if view.exit_code is not None:
            files = Path("runs") / view.run
            made.ran = RunResult(
                view.exit_code, view.run, files / "recipe.yaml", files / "journal.jsonl"
            )
        return made

    return make


class Quiet(Planner):
    """Answers a request; recalls nothing."""

    def recall(self, run: str, emit: Any) -> RunResult:
        raise AssertionError

    def score(self, recipe: Any, run: str, request: Any, cancel: Any) -> ScoringResponse:
        curl = "curl -X POST http://mle.example/score -H \"Authorization: Bearer $KEY\" -d '{}'"
        return ScoringResponse(request, 200, [235.1139, 246.8008, 163.6854], 0.012, curl)


class Slow(Quiet):
    """Gives no answer before it is told to stop."""

    def score(self, recipe: Any, run: str, request: Any, cancel: Any) -> ScoringResponse:
        cancel.wait()
        raise OperationCancelledError("Cancelled.")


def going(seconds: float) -> RunView:
    return recorded(seconds)


def failed(step: str) -> RunView:
    """The recorded run, had a step failed at its end, and nothing that needs it been done."""
    whole = recorded()
    at = whole.steps[step].finished
    view = going(at - whole.started - 0.001)
    view = view.apply(
        StepFinished(
            at=at, step=step, outcome="failed", code="ACRAuthenticationError",
            what="The image of the deployment cannot be pulled: the registry refused it.",
            why="The endpoint's identity may not read from the registry yet.",
            fix="Wait until the role reaches the registry, some minutes at most; then retry.",
        )
    )  # fmt: skip
    for name, one in view.steps.items():
        if one.state in ("waiting", "running"):
            view = view.apply(StepFinished(at=at, step=name, outcome="blocked", because=step))
    return view.apply(RunFinished(at=at, exit_code=1, counts=view.counts()))


def cell(number: int) -> float:
    """The moment in the recorded run at which a cell has just begun."""
    whole = recorded()
    began = next(e.at for e in whole.steps["train"].log if e.data.get("cell") == number)
    return began - whole.started


def middle() -> float:
    """The moment in the recorded run at which the model trains while AKS is being built."""
    whole = recorded()
    return whole.steps["train"].started - whole.started + 1


def followed(*pressed: str) -> Callable[[Pilot[Any]], Any]:
    """Keys, once the page has ticked as often as its chart needs to follow what runs."""

    async def show(pilot: Pilot[Any]) -> None:
        for _ in range(3):
            page_of(pilot.app, ProgressPage)._draw()
            await settled(pilot)
        await pilot.press(*pressed)

    return show


UNDER_WAY = moment("progress", going(middle()), running=True)
picture("progress", UNDER_WAY)(followed())
picture("progress-timeline", UNDER_WAY)(followed("t"))
picture("progress-leave", UNDER_WAY)(followed("ctrl+q"))
picture("progress-failed", moment("progress", failed("deployment")))(followed())
picture("progress-finished", moment("progress", recorded()))(followed())
picture("training-result", moment("training-result", recorded()))(keys())
picture("training-running", moment("training-result", going(cell(5)), running=True))(keys())
picture("score", moment("score", recorded()))(keys())
picture("score-waiting", moment("score", recorded(), backend=Slow))(keys("f5"))


@picture("score-wrong", moment("score", recorded()))
async def wrong(pilot: Pilot[Any]) -> None:
    editor = pilot.app.screen.query_one("#request", TextArea)
    editor.text = '{"input_data": [[1, 2]]}'


picture("posture", moment("posture", recorded()))(keys("down", "down"))
picture("posture-not-kept", moment("posture", unkept(recorded())))(keys())


def unkept_without_colour() -> WizardApp:
    made = moment("posture", unkept(recorded()))()
    made._filters.append(Monochrome())  # as NO_COLOR does
    return made


picture("posture-no-color", unkept_without_colour)(keys())


@picture("posture-light", moment("posture", unkept(recorded())))
async def light(pilot: Pilot[Any]) -> None:
    pilot.app.theme = LIGHT.name


picture("posture-before", moment("posture", going(middle()), running=True))(keys())
picture("posture-help", moment("posture", recorded()))(keys("f1"))
picture("finish-not-kept", moment("finish", unkept(recorded())))(keys())
picture("palette", moment("score", recorded()))(keys("ctrl+o"))
picture("finish", moment("finish", recorded()))(keys())
picture("finish-failed", moment("finish", failed("deployment")))(keys())

# -- the login


def waiting() -> RunView:
    begun = recorded(0.0)
    needed = LoginNeeded(
        at=begun.now, step="sign-in", url=URL, user_code=CODE, expires_at=begun.now + LIVES
    )
    return begun.apply(needed)


@picture("login", moment("sign-in", replace(waiting(), login=None)))
async def login(pilot: Pilot[Any]) -> None:
    wizard_of(pilot).view = waiting()


@picture("login-qr", moment("sign-in", replace(waiting(), login=None)))
async def scanned(pilot: Pilot[Any]) -> None:
    await login(pilot)
    await pilot.pause()
    await pilot.press("q")


@picture("login-expired", moment("sign-in", replace(waiting(), login=None)))
async def expired(pilot: Pilot[Any]) -> None:
    wizard_of(pilot).view = waiting()
    await pilot.pause()
    why = "The device code expired before anybody entered it."
    end = StepFinished(
        at=waiting().now + LIVES, step="sign-in", outcome="failed", what="Not signed in.", why=why
    )
    app = wizard_of(pilot)
    app.view = app.view.apply(end)
