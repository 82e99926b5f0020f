"""A recorded run in place of a cloud: the application of `amlwizard demo --journal`."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event as CancelEvent
from typing import get_args

from amlwizard import journal
from amlwizard.accounts import Account, Tenant
from amlwizard.app import reporting
from amlwizard.app.port import RECIPE, Places, RecordedRun, RunResult, ShellAccess, TargetName
from amlwizard.costs import Costs
from amlwizard.draft import Draft, from_file
from amlwizard.errors import Finding, InvalidInputError
from amlwizard.events import Emit, Event, RunFinished, RunStarted, StepProgress
from amlwizard.json_types import JsonObject
from amlwizard.language import _
from amlwizard.model_version import ModelVersion
from amlwizard.payloads import ScoringResponse
from amlwizard.plan import Phase, Plan, PlannedStep
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, SignIn
from amlwizard.run_control import RunControl
from amlwizard.secret import Secret

POLL_SECONDS = 0.02


class RunClock:
    """The time of a recorded run while it is played, in seconds since the epoch: as fast as it was
    recorded, or so fast that the playback takes `seconds` in all. It stands still before `start`,
    while it is held, and at the end."""

    def __init__(self, began: float, ended: float, seconds: float) -> None:
        self._run, self._ended = began, ended
        self._rate = max(1.0, (ended - began) / max(seconds, 1e-9))
        self._since: float | None = None

    def now(self) -> float:
        passed = time.monotonic() - self._since if self._since is not None else 0.0
        return min(self._ended, self._run + passed * self._rate)

    def start(self) -> None:
        if self._since is None:
            self._since = time.monotonic()

    def hold(self) -> None:
        self._run, self._since = self.now(), None


@dataclass
class Playback:
    """Implements `port.ApplicationPort` for one journal, which is played by `clock`."""

    path: Path
    recipe: Path
    events: Sequence[Event]
    clock: RunClock

    @classmethod
    def of(cls, path: Path, seconds: float) -> Playback:
        """Raises InvalidInputError if the journal, or the recipe beside it, cannot be read."""
        events = list(journal.read(path))
        if not events or not isinstance(events[0], RunStarted):
            raise InvalidInputError(
                _("{path} holds no run.", path=path),
                why=_("A journal begins with the start of its run."),
                fix=_("Name a journal.jsonl that a replay has written."),
            )
        clock = RunClock(events[0].at, max(event.at for event in events), seconds)
        return cls(path, path.parent / RECIPE, events, clock)

    @property
    def draft(self) -> Draft:
        if not self.recipe.is_file():
            raise InvalidInputError(
                _("{journal} has no recipe beside it.", journal=self.path),
                why=_("There is no {recipe}.", recipe=self.recipe),
                fix=_(
                    "Put the recipe of that run beside the journal: a run leaves both in its folder."
                ),
            )
        return from_file(self.recipe)

    # -- what was recorded

    def outline(self, recipe: Recipe) -> Plan:
        started = self.events[0]
        assert isinstance(started, RunStarted)
        return Plan(
            None,
            tuple(
                PlannedStep(step.id, step.title, step.phase, step.after, "create")  # type: ignore[arg-type]
                for step in started.steps
            ),
        )

    def plan(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Plan:
        return self.outline(recipe)

    def run(
        self,
        recipe: Recipe,
        name: str,
        emit: Emit,
        control: RunControl,
        rerun: Collection[Phase] = (),
        last: Phase | None = None,
        ignored: Collection[str] = (),
    ) -> RunResult:
        """Emits the recorded events in their original rhythm, by the clock."""
        self.clock.start()
        for event in self.events:
            while self.clock.now() < event.at and not control.cancelled.wait(POLL_SECONDS):
                pass
            if control.cancelled.is_set():
                break
            emit(event)
        return self._ran()

    def past_runs(self, count: int) -> Sequence[RecordedRun]:
        return ()

    def forget_run(self, run: str) -> None:
        raise _no_cloud()

    def recall(self, run: str, emit: Emit) -> RunResult:
        for event in self.events:
            emit(event)
        return self._ran()

    def _ran(self) -> RunResult:
        started, last = self.events[0], self.events[-1]
        assert isinstance(started, RunStarted)
        code = last.exit_code if isinstance(last, RunFinished) else 1
        return RunResult(code, started.run, self.recipe, self.path)

    # -- calls that would need a cloud

    approves_sign_ins = False

    def lacking(self, target: TargetName) -> str:
        return ""

    @property
    def places(self) -> Places:
        targets: tuple[TargetName, ...] = get_args(TargetName)
        return Places(self.path.parent.parent, {name: ShellAccess(name) for name in targets})

    def using(
        self, target: TargetName, cancel: CancelEvent | None = None
    ) -> AbstractContextManager[object]:
        return nullcontext()

    def approve_sign_in(self, login: str) -> None: ...

    def accounts(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Sequence[Tenant]:
        return ()

    def sign_in(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Account:
        raise _no_cloud()

    def preflight(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent, name: str = ""
    ) -> Sequence[Finding]:
        return ()

    def plan_teardown(self, recipe: Recipe, purge: bool, emit: Emit, cancel: CancelEvent) -> Plan:
        raise _no_cloud()

    def destroy(
        self, recipe: Recipe, name: str, purge: bool, emit: Emit, control: RunControl
    ) -> RunResult:
        raise _no_cloud()

    def model_versions(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent
    ) -> Sequence[ModelVersion]:
        raise _no_cloud()

    def endpoint_key(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Secret:
        raise _no_cloud()

    def expected_teardown(self, plan: Plan) -> Mapping[str, float]:
        raise _no_cloud()

    def expected(self, recipe: Recipe) -> Mapping[str, float]:
        return {}

    def costs(self, recipe: Recipe) -> Costs:
        raise _no_cloud()

    def verify(
        self, recipe: Recipe, emit: Emit, control: RunControl, skip: Collection[str] = ()
    ) -> Posture:
        raise _no_cloud()

    def report(self, posture: Posture, recipe: Recipe, path: Path) -> Path:
        return reporting.write(path, posture, recipe, [self.path])

    def trained(self, run_id: str) -> Sequence[StepProgress]:
        return ()

    def score(
        self, recipe: Recipe, run: str, request: JsonObject, cancel: CancelEvent
    ) -> ScoringResponse:
        raise _no_cloud()


def _no_cloud() -> InvalidInputError:
    return InvalidInputError(
        _("This is a recorded run: there is no cloud behind it."),
        fix=_("Start the wizard for one that there is."),
    )
