"""Walks the step graph: each step starts as soon as its predecessors have finished.

It uses threads, because the SDKs block. The engine knows neither Azure nor any screen: it reads,
decides, applies, and reports events. Every step gets a final event: steps that depend on a failed
one are blocked and name it, those that depend on a cancelled one are cancelled.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event as CancelEvent
from threading import Lock
from uuid import uuid4

from amlwizard.cloud_port import CloudPort
from amlwizard.command_line import about
from amlwizard.error_log import reading_answers, unexpected
from amlwizard.errors import (
    AmlwizardError,
    CloudError,
    InvalidInputError,
    OperationCancelledError,
    SignInError,
)
from amlwizard.events import (
    Emit,
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
from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.plan import Action, Context, Found, Phase, Plan, Step, action_for, in_order, planned
from amlwizard.plan.outputs import Outputs, UnresolvedPlaceholderError
from amlwizard.recipe import Recipe
from amlwizard.run_control import RunControl, Workers, cancelled_by, reported_by

WORKERS = 12
PAUSE_POLL_SECONDS = 0.2
AGAIN = _("Replay continues from here.")


@dataclass(frozen=True)
class Job:
    """The input of a walk: the recipe, the cloud, and the names of both."""

    recipe: Recipe
    recipe_name: str
    cloud: CloudPort
    target: str


def run(
    steps: Sequence[Step],
    job: Job,
    emit: Emit,
    *,
    control: RunControl | None = None,
    rerun: Collection[Phase] = (),
    run_id: str = "",
    now: Callable[[], float] = time.time,
) -> int:
    """Bring every step to its desired state; return the exit code. Steps that are already there are
    kept.

    Steps of the phases in `rerun` that do work (rather than create a resource) do it again.
    """
    say = Stamp(emit, now)
    control = control or RunControl()
    cancel = control.cancelled
    say(
        RunStarted(
            run=run_id or uuid4().hex[:12],
            recipe=job.recipe_name,
            target=job.target,
            steps=tuple(StepInfo(s.id, s.title, s.phase, s.after) for s in steps),
        )
    )
    runner = _Runner(job, cancel, rerun, say)
    counts: Counter[str] = Counter()
    finished_steps = _walk(steps, runner.visit, control)
    try:
        with cancelled_by(cancel):
            for finished in finished_steps:
                counts[finished.outcome] += 1
                say(finished)
    except BaseException:
        control.cancel()  # a listener failed: end the waits of steps that still run
        raise
    finally:
        finished_steps.close()
    exit_code = _exit_code(runner.failures, bool(counts["cancelled"]))
    if cancel.is_set():
        exit_code = OperationCancelledError.exit_code  # whatever had failed before
    say(RunFinished(exit_code=exit_code, counts=dict(counts)))
    return exit_code


@dataclass
class _Runner:
    """Brings single steps to their desired state; `failures` are the errors of those that failed."""

    job: Job
    cancel: CancelEvent
    rerun: Collection[Phase]
    say: Emit
    failures: list[Exception] = field(default_factory=list)

    def visit(self, step: Step, outputs: Mapping[str, Document]) -> StepFinished:
        try:
            with reading_answers(step.title, AGAIN):
                return self._bring(step, outputs)
        except OperationCancelledError as stop:
            return StepFinished(step=step.id, outcome="cancelled", what=stop.what)
        except Exception as error:  # noqa: BLE001 - the other steps go on
            self.failures.append(error)
            return _failed(step, error, self.job)

    def _bring(self, step: Step, outputs: Mapping[str, Document]) -> StepFinished:
        if self.cancel.is_set():
            raise OperationCancelledError(_("cancelled before it started"))
        again = step.runs and step.phase in self.rerun
        ctx = replace(_context(self.job, step, outputs, self.cancel, self.say), again=again)
        with reported_by(partial(_progress, self.say, step.id)):
            found = step.read(ctx)
            action = "run" if again else action_for(step, found)
            if action == "keep":
                assert found
                return StepFinished(
                    step=step.id, outcome="kept", outputs=found.outputs, what=found.note
                )
            return _apply(step, ctx, action, self.say)


def survey(
    steps: Sequence[Step],
    job: Job,
    emit: Emit,
    *,
    cancel: CancelEvent | None = None,
    now: Callable[[], float] = time.time,
) -> Plan:
    """Read the current state and return what a run would do. Only the sign-in is really performed.

    Raises the first error of a read.
    """
    say = Stamp(emit, now)
    cancel = cancel or CancelEvent()
    rows = {}
    errors: list[Exception] = []

    def visit(step: Step, outputs: Mapping[str, Document]) -> StepFinished:
        ctx = _context(job, step, outputs, cancel, say)
        try:
            with reading_answers(step.title):
                if step.phase == "sign-in":
                    rows[step.id] = planned(step, None)
                    return _apply(step, ctx, "run", say)
                found = _read_if_possible(step, ctx)
        except Exception as error:  # noqa: BLE001 - raised again below, once all reads have ended
            errors.append(error)
            return _failed(step, error, job)
        rows[step.id] = planned(step, found)
        known = found.outputs if found and found.state != "failed" else {}
        return StepFinished(step=step.id, outcome="kept", outputs=known)

    with cancelled_by(cancel):
        for __ in _walk(steps, visit, RunControl(cancel)):
            pass
    if cancel.is_set():
        raise OperationCancelledError(_("Cancelled."))
    if errors:
        raise errors[0]
    return Plan(job.target, tuple(rows[step.id] for step in in_order(steps)))


Visit = Callable[[Step, Mapping[str, Document]], StepFinished]


def _walk(
    steps: Sequence[Step], visit: Visit, control: RunControl
) -> Generator[StepFinished, None, None]:
    """Yield every step's final event as it occurs, visiting each step once its predecessors
    succeeded."""
    waiting = in_order(steps)
    outputs: dict[str, Document] = {}
    final: dict[str, StepFinished] = {}
    with Workers(WORKERS, thread_name_prefix="step") as pool:
        running: dict[Future[StepFinished], Step] = {}
        while waiting or running:
            for step in list(waiting):
                before = [final.get(name) for name in step.after]
                stopped = next((f for f in before if f and f.outcome not in ("done", "kept")), None)
                if stopped:
                    waiting.remove(step)
                    final[step.id] = _consequence(step, stopped)
                    yield final[step.id]
                elif all(before) and not control.paused:
                    waiting.remove(step)
                    running[pool.submit(visit, step, dict(outputs))] = step
            if not running:
                control.wait(PAUSE_POLL_SECONDS)
                continue
            # Never without an end: a signal that comes just before the wait does not wake it, and
            # would be handled only after it.
            finished, __ = wait(running, PAUSE_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                step = running.pop(future)
                final[step.id] = future.result()
                outputs[step.id] = final[step.id].outputs
                yield final[step.id]


class EventDeviceCodePrompt:
    """A DeviceCodePrompt that prompts the user through events."""

    def __init__(self, step: str, say: Emit) -> None:
        self.step, self.say = step, say

    def __call__(self, url: str, user_code: str, expires_at: float) -> None:
        self.say(LoginNeeded(step=self.step, url=url, user_code=user_code, expires_at=expires_at))

    def done(self, account: str) -> None:
        self.say(LoginDone(step=self.step, account=account))


class NoDeviceCodePrompt:
    """A DeviceCodePrompt that raises SignInError: no prompt is possible after a run."""

    def __call__(self, url: str, user_code: str, expires_at: float) -> None:
        raise SignInError(_("The sign-in has expired."), fix=_("Sign in, then try again."))

    def done(self, account: str) -> None:
        return None


def context(job: Job, outputs: Mapping[str, Document], cancel: CancelEvent) -> Context:
    """The context of a step, for work after a run."""
    return Context(
        job.recipe, job.cloud, Outputs(outputs), cancel, NoDeviceCodePrompt(), job.recipe_name
    )


def _context(
    job: Job, step: Step, outputs: Mapping[str, Document], cancel: CancelEvent, say: Emit
) -> Context:
    asking = EventDeviceCodePrompt(step.id, say)
    return Context(job.recipe, job.cloud, Outputs(outputs), cancel, asking, job.recipe_name)


def _apply(step: Step, ctx: Context, action: Action, say: Emit) -> StepFinished:
    say(StepStarted(step=step.id, action=action))
    outputs = step.apply(ctx, partial(_progress, say, step.id))
    if step.phase == "sign-in":
        ctx.ask.done(str(outputs.get("account", "")))
    return StepFinished(step=step.id, outcome="done", outputs=outputs)


def _progress(say: Emit, step: str, message: str, payload: JsonRecord | None = None) -> None:
    say(StepProgress(step=step, message=message, data=payload.to_json() if payload else {}))


def _read_if_possible(step: Step, ctx: Context) -> Found | None:
    """The result of `read`; None if an output that it needs does not exist yet, so that the step's
    own resource cannot exist either."""
    try:
        return step.read(ctx)
    except UnresolvedPlaceholderError:
        return None


def _failed(step: Step, error: Exception, job: Job) -> StepFinished:
    if not isinstance(error, AmlwizardError):
        error = unexpected(error, AGAIN)
    return StepFinished(
        step=step.id,
        outcome="failed",
        what=error.what,
        why=error.why,
        fix=about(error.fix, job.recipe_name, job.target),
        code=error.code if isinstance(error, CloudError | SignInError) else "",
        outputs=_findings(error),
    )


def _findings(error: AmlwizardError) -> Document:
    """The findings of an invalid input, for front ends that show more than a text."""
    if isinstance(error, InvalidInputError) and error.findings:
        return {"findings": [finding.to_json() for finding in error.findings]}
    return {}


def _consequence(step: Step, cause: StepFinished) -> StepFinished:
    root = cause.because or cause.step
    if cause.outcome == "cancelled":
        return StepFinished(step=step.id, outcome="cancelled", because=root)
    return StepFinished(
        step=step.id, outcome="blocked", because=root, what=_("{step} failed", step=root)
    )


def _exit_code(failures: Sequence[Exception], cancelled: bool) -> int:
    for kind in (SignInError, InvalidInputError):
        if any(isinstance(error, kind) for error in failures):
            return kind.exit_code
    if failures:
        return AmlwizardError.exit_code
    return OperationCancelledError.exit_code if cancelled else 0


class Stamp:
    """Gives every event its number and time, and passes events on one at a time, in that order.

    A thread does not wait while another passes events on: the other one passes on its event as
    well.
    """

    def __init__(self, emit: Emit, now: Callable[[], float] = time.time) -> None:
        self._emit, self._now = emit, now
        self._lock, self._seq = Lock(), 0
        self._queue: deque[Event] = deque()
        self._busy = False

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._seq += 1
            self._queue.append(replace(event, seq=self._seq, at=self._now()))
            if self._busy:
                return
            self._busy = True
        try:
            while (following := self._next()) is not None:
                self._emit(following)
        except BaseException:
            with self._lock:
                self._busy = False
            raise

    def _next(self) -> Event | None:
        with self._lock:
            self._busy = bool(self._queue)
            return self._queue.popleft() if self._queue else None
