"""Calls to the application, each in a Textual thread worker. Their results reach the app on its
own thread, and only if the call is still the current one of its kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as CancelEvent
from typing import ParamSpec, Protocol

from textual.app import App
from textual.worker import Worker, get_current_worker

from amlwizard.accounts import Account, Tenant
from amlwizard.app.port import ApplicationPort, RecordedRun, RunResult, TargetName
from amlwizard.costs import Costs
from amlwizard.error_log import unexpected
from amlwizard.errors import (
    AmlwizardError,
    Finding,
    InvalidInputError,
    OperationCancelledError,
)
from amlwizard.events import Emit, Event, LoginDone, LoginNeeded, StepProgress
from amlwizard.json_types import JsonObject
from amlwizard.language import _
from amlwizard.payloads import ScoringResponse
from amlwizard.plan import Plan
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, SignIn, read
from amlwizard.run_control import RunControl
from amlwizard.tui.run_controller import RunningJob

P = ParamSpec("P")
THREADS = 32
"""More than the calls at any time, including cancelled ones that still hang in a socket."""


class Listener(Protocol):
    """Is notified of every call, on the app's thread."""

    def calls_changed(self, kinds: frozenset[str]) -> None:
        """These kinds of calls are in progress now."""

    def login_changed(self, kind: str, event: LoginNeeded | LoginDone) -> None:
        """A call other than a run needs a sign-in, or has completed it."""

    def call_failed(self, kind: str, error: AmlwizardError) -> None: ...


class BackgroundCall:
    """A call as seen from its own thread. `cancel` is set once its result is no longer needed."""

    def __init__(self, calls: BackgroundCalls, kind: str) -> None:
        self._calls, self._kind = calls, kind
        self._worker: Worker[None] = get_current_worker()
        self.cancel: CancelEvent = self._worker.cancelled_event

    def tell(self, handler: Callable[P, object], *values: P.args, **named: P.kwargs) -> None:
        """Call `handler` on the app's thread, if this call is still the current one by then."""
        self._calls.app.call_later(self._deliver, handler, *values, **named)

    def _deliver(self, handler: Callable[P, object], *values: P.args, **named: P.kwargs) -> None:
        if self._calls.is_current(self._kind, self._worker):
            handler(*values, **named)

    def login_events(self, event: Event) -> None:
        """Pass on sign-in events only; used for calls other than a run."""
        if isinstance(event, LoginNeeded | LoginDone):
            self.tell(self._calls.listener.login_changed, self._kind, event)


class BackgroundCalls:
    """At most one call of each kind: a new one cancels the one before it. Used on the app's
    thread only."""

    def __init__(self, app: App[int], listener: Listener, application: ApplicationPort) -> None:
        self.app, self.listener, self.application = app, listener, application
        self._current: dict[str, Worker[None]] = {}

    # -- the calls

    def sign_in(
        self,
        target: TargetName,
        given: SignIn,
        seen: Callable[[Sequence[Tenant]], None],
        signed_in: Callable[[Account], None],
    ) -> None:
        """Sign in and list tenants and subscriptions; then choose a subscription if that is
        unambiguous."""

        def work(call: BackgroundCall) -> None:
            with self.application.using(target, call.cancel):
                call.tell(seen, self.application.accounts(given, call.login_events, call.cancel))
                call.tell(
                    signed_in, self.application.sign_in(given, call.login_events, call.cancel)
                )

        self._start("sign-in", work)

    def plan(
        self,
        target: TargetName,
        recipe: Recipe,
        read_cloud: bool,
        made: Callable[[Recipe, Plan, Mapping[str, float]], None],
    ) -> None:
        """The plan without a cloud; then, with `read_cloud`, compared with what the cloud has."""

        def work(call: BackgroundCall) -> None:
            outline = self.application.outline(recipe)
            call.tell(made, recipe, outline, {})
            with self.application.using(target, call.cancel):
                expected = self.application.expected(recipe)
                call.tell(made, recipe, outline, expected)
                if read_cloud:
                    plan = self.application.plan(recipe, call.login_events, call.cancel)
                    call.tell(made, recipe, plan, expected)

        self._start("plan", work)

    def costs(
        self, target: TargetName, recipe: Recipe, known: Callable[[Recipe, Costs], None]
    ) -> None:
        """What the recipe's platform costs; reports no error if that cannot be found out."""

        def work(call: BackgroundCall) -> None:
            with self.application.using(target, call.cancel):
                call.tell(known, recipe, self.application.costs(recipe))

        self._start("costs", work, lambda error: None)

    def preflight(
        self,
        target: TargetName,
        recipe: Recipe,
        found: Callable[[Recipe, Sequence[Finding]], None],
    ) -> None:
        """Check the recipe against the cloud."""

        def work(call: BackgroundCall) -> None:
            with self.application.using(target, call.cancel):
                findings = self.application.preflight(recipe, call.login_events, call.cancel)
                call.tell(found, recipe, findings)

        self._start("preflight", work)

    def run(
        self,
        job: RunningJob,
        expected: Callable[[Mapping[str, float]], None],
        happened: Callable[[RunningJob, Event], None],
        ended: Callable[[RunningJob, RunResult], None],
    ) -> None:
        """Run a job, and tell how long its steps are expected to take. Cancelling the job, not this
        call, stops it."""

        def work(call: BackgroundCall) -> None:
            def emit(event: Event) -> None:
                call.tell(happened, job, event)

            with self.application.using(job.target, job.control.cancelled):
                call.tell(expected, self.application.expected(job.recipe))
                call.tell(ended, job, self.application.run(job.recipe, job.name, emit, job.control))

        self._start("run", work)

    def past_runs(self, count: int, found: Callable[[Sequence[RecordedRun]], None]) -> None:
        """List the newest runs on this machine."""
        self._start("past-runs", lambda call: call.tell(found, self.application.past_runs(count)))

    def forget_run(self, run: str, forgotten: Callable[[], None]) -> None:
        """Delete the record of a run."""

        def work(call: BackgroundCall) -> None:
            self.application.forget_run(run)
            call.tell(forgotten)

        self._start("forget-run", work)

    def recall(
        self,
        run: str,
        happened: Emit,
        recalled: Callable[[RunResult, Recipe | None], None],
    ) -> None:
        """Emit the events of an earlier run again, and read its recipe, if that is still there."""

        def work(call: BackgroundCall) -> None:
            def emit(event: Event) -> None:
                call.tell(happened, event)

            ran = self.application.recall(run, emit)
            call.tell(recalled, ran, _recipe_in(ran.recipe))

        self._start("recall", work)

    def verify(
        self,
        target: TargetName,
        recipe: Recipe,
        progress: Callable[[str], None],
        verified: Callable[[Recipe, Posture], None],
    ) -> None:
        """Verify the platform as it is now."""

        def work(call: BackgroundCall) -> None:
            def emit(event: Event) -> None:
                call.login_events(event)
                if isinstance(event, StepProgress):
                    call.tell(progress, event.message)

            with self.application.using(target, call.cancel):
                call.tell(
                    verified, recipe, self.application.verify(recipe, emit, RunControl(call.cancel))
                )

        self._start("verify", work)

    def report(
        self, posture: Posture, recipe: Recipe, path: Path, written: Callable[[Path], None]
    ) -> None:
        """Write a posture to `path` as an HTML page."""
        self._start(
            "report",
            lambda call: call.tell(written, self.application.report(posture, recipe, path)),
        )

    def score(
        self,
        target: TargetName,
        recipe: Recipe,
        run: str,
        request: JsonObject,
        scored: Callable[[ScoringResponse], None],
        failed: Callable[[AmlwizardError], None],
    ) -> None:
        """Send a scoring request to the endpoint of a recipe."""

        def work(call: BackgroundCall) -> None:
            with self.application.using(target, call.cancel):
                call.tell(scored, self.application.score(recipe, run, request, call.cancel))

        self._start("score", work, failed)

    def trained(self, run_id: str, found: Callable[[str, Sequence[StepProgress]], None]) -> None:
        """Find what training reported when it created that MLflow run."""
        self._start(
            "trained", lambda call: call.tell(found, run_id, self.application.trained(run_id))
        )

    def approve_sign_in(self, login: str) -> None:
        """Approve a device code on the user's behalf; in a sandbox only."""
        self._start("agree", lambda call: self.application.approve_sign_in(login))

    # -- workers

    def is_current(self, kind: str, worker: Worker[None]) -> bool:
        return self._current.get(kind) is worker

    def cancel(self, kind: str) -> None:
        """Cancel the call of that kind; its result is dropped."""
        worker = self._current.pop(kind, None)
        if worker:
            worker.cancel()
            self._changed()

    def cancel_all(self) -> None:
        for kind in list(self._current):
            self.cancel(kind)

    def _start(
        self,
        kind: str,
        work: Callable[[BackgroundCall], object],
        failed: Callable[[AmlwizardError], None] | None = None,
    ) -> None:
        def fail(error: AmlwizardError) -> None:
            if failed:
                failed(error)
            else:
                self.listener.call_failed(kind, error)

        def run() -> None:
            call = BackgroundCall(self, kind)
            try:
                work(call)
            except OperationCancelledError:
                pass
            except AmlwizardError as error:
                call.tell(fail, error)
            except Exception as error:
                call.tell(fail, unexpected(error, _("Try again.")))
            finally:
                call.tell(self._ended, kind)

        self._current[kind] = self.app.run_worker(
            run, name=kind, group=kind, thread=True, exclusive=True, exit_on_error=False
        )
        self._changed()

    def _ended(self, kind: str) -> None:
        del self._current[kind]
        self._changed()

    def _changed(self) -> None:
        self.listener.calls_changed(frozenset(self._current))


def _recipe_in(file: Path) -> Recipe | None:
    try:
        return read(file).recipe
    except InvalidInputError:
        return None


class _Threads(ThreadPoolExecutor):
    """Does not wait for its threads on shutdown, although asyncio asks for it: a hung call must
    not keep the terminal from the user."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


def prepare_loop() -> None:
    """Give the running event loop enough threads for all calls."""
    asyncio.get_running_loop().set_default_executor(_Threads(THREADS, "call"))
