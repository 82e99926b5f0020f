"""Connects recipe, steps, engine, journal and cloud. Every command and every front end plans, runs
and scores through here."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, Lock
from threading import Event as CancelEvent
from uuid import uuid4

from amlwizard import durations, engine
from amlwizard.accounts import Account, Tenant
from amlwizard.app import reporting
from amlwizard.app.extras import how_to_add_the_sandbox, missing
from amlwizard.app.past_runs import forget, recorded_runs
from amlwizard.app.port import RECIPE, Places, RecordedRun, RunResult, TargetName
from amlwizard.app.pricing import costs
from amlwizard.app.targets import VARIABLE, Choice, Target, opened, places
from amlwizard.cloud import SharedSignIns
from amlwizard.costs import Costs
from amlwizard.error_log import reading_answers
from amlwizard.errors import (
    AmlwizardError,
    Finding,
    InvalidInputError,
    OperationCancelledError,
    SignInError,
    StepError,
)
from amlwizard.events import Emit, Event, LoginDone, LoginNeeded, StepProgress
from amlwizard.journal import NAME, Journal, newest, read
from amlwizard.json_types import JsonObject
from amlwizard.language import _
from amlwizard.lease import Lease
from amlwizard.model_version import ModelVersion
from amlwizard.paths import private_folder, state_folder
from amlwizard.payloads import CellFinished, ScoringResponse
from amlwizard.plan import Phase, Plan, Step, outline, until
from amlwizard.plan.outputs import TRAFFIC, TRAIN
from amlwizard.posture import Posture
from amlwizard.preflight import check
from amlwizard.preflight.step import Joint, nothing_joint
from amlwizard.prices import needs
from amlwizard.recipe import Recipe, SignIn, keep
from amlwizard.run_control import RunControl, cancelled_by
from amlwizard.secret import Secret
from amlwizard.steps import steps_for
from amlwizard.steps.endpoint_key import endpoint_key
from amlwizard.steps.evidence import EvidenceScope
from amlwizard.steps.foundation import signed_in
from amlwizard.steps.model_versions import model_versions
from amlwizard.steps.verify import standalone_verification
from amlwizard.teardown import teardown
from amlwizard.view import RunView

CANCEL_POLL_SECONDS = 0.2
PATIENCE_SECONDS = 5.0
COMMANDS = {"runs": "replay", "teardowns": "destroy"}  # by the folder of their journals


class Application:
    """Implements `port.ApplicationPort`. `choice` says how targets are opened."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._stack = ExitStack()
        self._target: Target | None = None
        self._opening = Lock()
        self._changed = Condition()
        self._using: list[TargetName] = []
        self._runs: dict[str, RunView] = {}
        """By id: the runs of this application, and recalled ones."""

    def __enter__(self) -> Application:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- the target

    @contextmanager
    def using(self, target: TargetName, cancel: CancelEvent | None = None) -> Iterator[Target]:
        cancel = cancel or CancelEvent()
        self._reserve(target, cancel)
        try:
            with cancelled_by(cancel):
                opened = self._opened(target)
            yield opened
        finally:
            with self._changed:
                self._using.remove(target)
                self._changed.notify_all()

    def _reserve(self, target: TargetName, cancel: CancelEvent) -> None:
        """Wait until no other target is in use, then reserve this one."""
        with self._changed:
            while any(other != target for other in self._using):
                if cancel.is_set():
                    raise OperationCancelledError(_("Cancelled."))
                self._changed.wait(CANCEL_POLL_SECONDS)
            self._using.append(target)

    def _opened(self, target: TargetName) -> Target:
        with self._opening:
            if self._target is None or self._target.name != target:
                self._end_target()
                self._target = self._stack.enter_context(opened(target, self.choice))
            return self._target

    def _end_target(self) -> None:
        self._target = None
        self._stack.close()

    def close(self, patience: float = PATIENCE_SECONDS) -> bool:
        """Close the target once no call uses it, or after `patience` seconds. Returns False if a
        call still uses it."""
        with self._changed:
            unused = self._changed.wait_for(lambda: not self._using, patience)
        self._end_target()
        return unused

    def beside(self, shared: SharedSignIns) -> Application:
        """An application for one of several runs: on the target that this one has opened, with
        clients of its own and `shared` sign-ins."""
        other = Application(self.choice)
        other._target = replace(self.target, cloud=self.target.cloud.sharing(shared))
        return other

    @property
    def target(self) -> Target:
        assert self._target, "calls are made within `using`"
        return self._target

    def lacking(self, target: TargetName) -> str:
        embedded = target == "sandbox" and VARIABLE not in os.environ
        return how_to_add_the_sandbox() if embedded and missing("sandbox") else ""

    @property
    def places(self) -> Places:
        return places(self.choice)

    @property
    def approves_sign_ins(self) -> bool:
        return self._target is not None and self._target.sandbox is not None

    def approve_sign_in(self, login: str) -> None:
        self.target.approve_sign_in(login)

    def accounts(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Sequence[Tenant]:
        with cancelled_by(cancel), reading_answers(_("Sign in")):
            return self.target.cloud.accounts(given, self._asking(emit), cancel)

    def sign_in(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Account:
        ask = self._asking(emit)
        with cancelled_by(cancel), reading_answers(_("Sign in")):
            account = self.target.cloud.sign_in(given, ask, cancel)
        ask.done(account.name)
        return account

    def _asking(self, emit: Emit) -> engine.EventDeviceCodePrompt:
        return engine.EventDeviceCodePrompt("sign-in", engine.Stamp(self.target.listening(emit)))

    def preflight(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent, name: str = "RECIPE"
    ) -> Sequence[Finding]:
        account = self.sign_in(recipe.sign_in, emit, cancel)
        outputs = {"sign-in": signed_in(account)}
        ctx = engine.context(self._job(recipe, name), outputs, cancel)
        with cancelled_by(cancel), reading_answers(_("Preflight")):
            return check(ctx, steps_for(recipe))

    # -- plan and run

    def model_versions(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent
    ) -> Sequence[ModelVersion]:
        account = self.sign_in(recipe.sign_in, emit, cancel)
        with cancelled_by(cancel), reading_answers(_("Model versions")):
            return model_versions(self.target.cloud, recipe, signed_in(account))

    def outline(self, recipe: Recipe) -> Plan:
        return outline(steps_for(recipe))

    def plan(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Plan:
        return engine.survey(
            steps_for(recipe),
            self._job(recipe, ""),
            self.target.listening(emit),
            cancel=cancel,
        )

    def expected(self, recipe: Recipe) -> Mapping[str, float]:
        name, choice = self.target.name, self.choice

        def profile(step: str) -> float:
            if name == "azure":
                return durations.typical(step)
            return durations.sandboxed(step, choice.speed if choice.clock == "real" else None)

        samples = durations.recorded(state_folder() / "runs", name)
        return durations.expected((s.id for s in steps_for(recipe)), samples, profile)

    def expected_teardown(self, plan: Plan) -> Mapping[str, float]:
        samples = durations.recorded(state_folder() / "teardowns", self.target.name)
        return durations.of_teardown(plan, samples)

    def costs(self, recipe: Recipe) -> Costs:
        return costs(self.target.cloud.profile, needs(recipe, steps_for(recipe)))

    def run(
        self,
        recipe: Recipe,
        name: str,
        emit: Emit,
        control: RunControl,
        rerun: Collection[Phase] = (),
        last: Phase | None = None,
        ignored: Collection[str] = (),
        joint: Joint = nothing_joint,
    ) -> RunResult:
        """Saves the recipe beside the run's journal."""
        steps = steps_for(recipe, ignored, joint)
        if last:
            steps = until(steps, last)
        return self._walk(steps, "runs", recipe, name, emit, control, rerun)

    def plan_teardown(self, recipe: Recipe, purge: bool, emit: Emit, cancel: CancelEvent) -> Plan:
        steps = teardown(recipe, purge=purge)
        job = self._job(recipe, "")
        return engine.survey(steps, job, self.target.listening(emit), cancel=cancel)

    def destroy(
        self, recipe: Recipe, name: str, purge: bool, emit: Emit, control: RunControl
    ) -> RunResult:
        """Writes its journal to a folder separate from those of runs."""
        steps = teardown(recipe, purge=purge)
        return self._walk(steps, "teardowns", recipe, name, emit, control)

    def _walk(
        self,
        steps: Sequence[Step],
        kind: str,
        recipe: Recipe,
        name: str,
        emit: Emit,
        control: RunControl,
        rerun: Collection[Phase] = (),
    ) -> RunResult:
        run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
        folder = state_folder() / kind / run_id
        private_folder(folder)
        keep(recipe, folder / RECIPE)
        journal = Journal(folder / NAME)
        self._runs[run_id] = RunView()

        def watch(event: Event) -> None:
            self._runs[run_id] = self._runs[run_id].apply(event)

        try:
            with Lease(run_id, COMMANDS[kind], control) as lease:
                code = engine.run(
                    lease.guard(steps),
                    self._job(recipe, name),
                    self.target.listening(fan_out([journal, watch, emit])),
                    control=control,
                    rerun=rerun,
                    run_id=run_id,
                )
        finally:
            journal.close()
        return RunResult(code, run_id, folder / RECIPE, journal.path)

    def past_runs(self, count: int) -> Sequence[RecordedRun]:
        return list(recorded_runs(state_folder() / "runs", count))

    def forget_run(self, run: str) -> None:
        forget(state_folder() / "runs", run)

    def recall(self, run: str, emit: Emit) -> RunResult:
        folder = state_folder() / "runs" / run
        view = RunView()
        for event in read(folder / NAME):
            if not isinstance(event, LoginNeeded | LoginDone):
                view = view.apply(event)
                emit(event)
        self._runs[run] = view
        code = OperationCancelledError.exit_code if view.exit_code is None else view.exit_code
        return RunResult(code, run, folder / RECIPE, folder / NAME)

    def _job(self, recipe: Recipe, name: str) -> engine.Job:
        return engine.Job(recipe, name, self.target.cloud, self.target.name)

    # -- after a run

    def verify(
        self,
        recipe: Recipe,
        emit: Emit,
        control: RunControl,
        skip: Collection[str] = (),
        name: str = "RECIPE",
    ) -> Posture:
        view = RunView()

        def watch(event: Event) -> None:
            nonlocal view
            view = view.apply(event)

        scope = EvidenceScope(skip=tuple(skip), wake=True)
        verification, steps = standalone_verification(recipe, steps_for(recipe), scope)
        listen = self.target.listening(fan_out([watch, emit]))
        code = engine.run(steps, self._job(recipe, name), listen, control=control)
        if verification.posture is None or code == OperationCancelledError.exit_code:
            raise _ended(view, code)
        return verification.posture

    def report(self, posture: Posture, recipe: Recipe, path: Path) -> Path:
        return reporting.write(path, posture, recipe, reporting.journals(recipe))

    def score(
        self, recipe: Recipe, run: str, request: JsonObject, cancel: CancelEvent
    ) -> ScoringResponse:
        from amlwizard.steps.asking import send

        view = self._runs.get(run, RunView())
        if view.output(TRAFFIC) is None:
            raise InvalidInputError(
                _("Nothing is deployed that could answer a request."),
                why=_("The run has not yet sent traffic to the deployment."),
                fix=_("Let the run finish first."),
            )
        outputs = {name: view.outputs(name) for name in view.steps}
        ctx = engine.context(self._job(recipe, ""), outputs, cancel)
        with cancelled_by(cancel), reading_answers(_("Score")):
            ctx.cloud.sign_in(recipe.sign_in, ctx.ask, cancel)
            return send(ctx, recipe, dict(request), lambda message, payload=None: None)

    def endpoint_key(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Secret:
        account = self.sign_in(recipe.sign_in, emit, cancel)
        with cancelled_by(cancel), reading_answers(_("Endpoint key")):
            return endpoint_key(self.target.cloud, recipe, signed_in(account))

    def trained(self, run_id: str) -> Sequence[StepProgress]:
        for path in newest(state_folder() / "runs"):
            said = _said_by(path, TRAIN.id)
            if any(_run_of(event) == run_id for event in said):
                return said
        return ()


def _run_of(event: StepProgress) -> object:
    """The id of the MLflow run, if the event is from the training cell that created it."""
    cell = event.payload(CellFinished)
    return (cell.result or {}).get("run_id") if cell else None


def _said_by(path: Path, step: str) -> list[StepProgress]:
    try:
        return [e for e in read(path) if isinstance(e, StepProgress) and e.step == step]
    except InvalidInputError:
        return []


def _ended(view: RunView, code: int) -> AmlwizardError:
    """The error for a run that has no result, with the exit code of that run."""
    ends = [step.end for step in view.steps.values() if step.end and step.end.outcome == "failed"]
    if code == OperationCancelledError.exit_code or not ends:
        return OperationCancelledError(_("Cancelled."))
    kinds: dict[int, type[AmlwizardError]] = {
        kind.exit_code: kind for kind in (InvalidInputError, SignInError)
    }
    end = ends[0]
    return kinds.get(code, StepError)(end.what, why=end.why, fix=end.fix)


def fan_out(listeners: Sequence[Callable[[Event], None]]) -> Emit:
    """An `Emit` that passes every event to all listeners."""

    def emit(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return emit
