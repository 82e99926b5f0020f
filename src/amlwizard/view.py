"""The state of a run at one moment, reduced from its events, for every front end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from amlwizard.events import (
    Event,
    LoginDone,
    LoginNeeded,
    RunFinished,
    RunStarted,
    StepFinished,
    StepInfo,
    StepProgress,
    StepStarted,
)
from amlwizard.json_types import Document
from amlwizard.plan.outputs import O, StepRef, UnresolvedPlaceholderError
from amlwizard.step_titles import standalone

State = Literal["waiting", "running", "done", "kept", "failed", "blocked", "cancelled"]
LOG_LINES = 400


@dataclass(frozen=True, slots=True)
class StepView:
    """One step. Times are seconds since the epoch, 0 if it has not happened yet."""

    info: StepInfo
    state: State = "waiting"
    action: str = ""
    started: float = 0.0
    finished: float = 0.0
    log: tuple[StepProgress, ...] = ()
    end: StepFinished | None = None

    @property
    def seconds(self) -> float:
        """How long the step took; 0 until it has finished."""
        return self.finished - self.started if self.started and self.finished else 0.0

    @property
    def message(self) -> str:
        return self.log[-1].message if self.log else ""


@dataclass(frozen=True, slots=True)
class RunView:
    """A run. `login` is the sign-in that waits for the user."""

    run: str = ""
    recipe: str = ""
    target: str = ""
    steps: Mapping[str, StepView] = field(default_factory=dict)
    login: LoginNeeded | None = None
    started: float = 0.0
    now: float = 0.0
    exit_code: int | None = None

    def apply(self, event: Event) -> RunView:
        """The view after one more event. An event of a step that is not part of the run only
        advances the time."""
        after = replace(self, now=event.at or self.now)
        if isinstance(event, StepStarted | StepProgress | StepFinished):
            return after._with_step_event(event) if event.step in self.steps else after
        match event:
            case RunStarted():
                return replace(
                    after,
                    run=event.run,
                    recipe=event.recipe,
                    target=event.target,
                    started=event.at,
                    exit_code=None,
                    login=None,
                    steps={info.id: StepView(info) for info in event.steps},
                )
            case LoginNeeded():
                return replace(after, login=event)
            case LoginDone():
                return replace(after, login=None)
            case RunFinished():
                return replace(after, exit_code=event.exit_code, login=None)
        return after

    def _with_step_event(self, event: StepStarted | StepProgress | StepFinished) -> RunView:
        step = self.steps[event.step]
        match event:
            case StepStarted():
                return self._with(
                    replace(step, state="running", action=event.action, started=event.at)
                )
            case StepProgress():
                return self._with(replace(step, log=(*step.log, event)[-LOG_LINES:]))
            case StepFinished():
                login = self.login
                if login and login.step == event.step:
                    login = None
                moved = self._with(replace(step, state=event.outcome, finished=event.at, end=event))
                return replace(moved, login=login)

    def _with(self, step: StepView) -> RunView:
        return replace(self, steps={**self.steps, step.info.id: step})

    def counts(self) -> dict[str, int]:
        """How many steps are in each state."""
        totals: dict[str, int] = {}
        for step in self.steps.values():
            totals[step.state] = totals.get(step.state, 0) + 1
        return totals

    def output(self, step: StepRef[O]) -> O | None:
        """A step's outputs; None if there are none yet, or if they are from another version's
        journal and have a different form."""
        try:
            return step.read({step.id: self.outputs(step.id)})
        except UnresolvedPlaceholderError:
            return None

    def title(self, step: str) -> str:
        """The title of a step where no heading names its phase; its id if it is not part of the
        run."""
        known = self.steps.get(step)
        return standalone(known.info.title, known.info.phase) if known else step

    def outputs(self, step: str) -> Document:
        found = self.steps.get(step)
        return found.end.outputs if found and found.end else {}

    def slowest(self, count: int = 3) -> list[StepView]:
        worked = [step for step in self.steps.values() if step.seconds > 0]
        return sorted(worked, key=lambda step: -step.seconds)[:count]
