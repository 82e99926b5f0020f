"""What the app asks of the backend: each call in a thread of its own, its answer posted as a message.
A thread changes nothing of the app itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event as Flag
from typing import Any

from textual.message import Message

from amlwizard.backend import Backend, Control, TargetName
from amlwizard.error_log import unexpected
from amlwizard.errors import AmlwizardError, OperationCancelledError
from amlwizard.events import Event, LoginDone, LoginNeeded, StepProgress
from amlwizard.plan import Phase
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, SignIn
from amlwizard.tui.messages import (
    Busy,
    CloudFindings,
    Failed,
    Opened,
    PlanMade,
    Recalled,
    Reported,
    RunEnded,
    RunEvent,
    Scored,
    SignedIn,
    TenantsSeen,
    Verified,
    Verifying,
)


class Work:
    """One call of a kind at a time: a new one tells the one before to stop, and what that one still
    has to say is dropped."""

    def __init__(self, backend: Backend, post: Callable[[Message], object]) -> None:
        self.backend, self._post = backend, post
        self._opening = threading.Lock()
        self._flags: dict[str, Flag] = {}
        self._threads: list[threading.Thread] = []
        self.control = Control()

    # -- calls

    def open(self, target: TargetName) -> None:
        def call(cancel: Flag) -> Message:
            self._open(target)
            return Opened()

        self._start("open", call)

    def sign_in(self, target: TargetName, given: SignIn) -> None:
        """Sign in and list what there is; then settle on a subscription, where that is clear."""

        def call(cancel: Flag) -> Message:
            self._open(target)
            emit = self._asking(cancel)
            self._tell(cancel, TenantsSeen(self.backend.accounts(given, emit, cancel)))
            return SignedIn(self.backend.sign_in(given, emit, cancel))

        self._start("sign-in", call)

    def plan(self, target: TargetName, recipe: Recipe, signed_in: bool) -> None:
        """The plan without any cloud; then, where somebody has signed in, as the cloud stands."""

        def call(cancel: Flag) -> Message:
            outline = self.backend.outline(recipe)
            self._tell(cancel, PlanMade(recipe, outline, {}))
            self._open(target)
            expected = self.backend.expected(recipe)
            if not signed_in:
                return PlanMade(recipe, outline, expected)
            self._tell(cancel, PlanMade(recipe, outline, expected))
            plan = self.backend.plan(recipe, self._asking(cancel), cancel)
            return PlanMade(recipe, plan, expected)

        self._start("plan", call)

    def preflight(self, target: TargetName, recipe: Recipe) -> None:
        def call(cancel: Flag) -> Message:
            self._open(target)
            found = self.backend.preflight(recipe, self._asking(cancel), cancel)
            return CloudFindings(recipe, found)

        self._start("preflight", call)

    def run(
        self, target: TargetName, recipe: Recipe, name: str, rerun: tuple[Phase, ...] = ()
    ) -> None:
        control = self.control = Control()

        def call(cancel: Flag) -> Message:
            self._open(target)
            emit = self._emitting(Flag())
            return RunEnded(self.backend.run(recipe, name, emit, control, rerun))

        self._start("run", call)

    def score(
        self, recipe: Recipe, request: Mapping[str, Any], post: Callable[[Message], object]
    ) -> None:
        """`post` takes the answer: it is of interest to who asked alone."""

        def call(cancel: Flag) -> Message:
            return Scored(self.backend.score(recipe, request, cancel))

        self._start("score", call, post)

    def verify(self, target: TargetName, recipe: Recipe) -> None:
        """Judge the promises of a recipe as the platform stands now."""

        def call(cancel: Flag) -> Message:
            self._open(target)
            asking = self._asking(cancel)

            def emit(event: Event) -> None:
                asking(event)
                if isinstance(event, StepProgress):
                    self._tell(cancel, Verifying(event.message))

            return Verified(self.backend.verify(recipe, emit, Control(cancel)))

        self._start("verify", call)

    def report(self, posture: Posture, recipe: Recipe, path: Path) -> None:
        """A posture as a page, written to a file."""

        def call(cancel: Flag) -> Message:
            return Reported(self.backend.report(posture, recipe, path))

        self._start("report", call)

    def recall(self, run: str) -> None:
        """The events of an earlier run, once more."""

        def call(cancel: Flag) -> Message:
            return Recalled(self.backend.recall(run, self._emitting(cancel)))

        self._start("recall", call)

    def agree(self, login: str) -> None:
        """Answer a device code as the person in a browser would; in a sandbox only."""

        def call(cancel: Flag) -> None:
            self.backend.agree(login)

        self._start("agree", call)

    def sign_out(self) -> None:
        def call(cancel: Flag) -> None:
            self.backend.sign_out()

        self._start("sign-out", call)

    # -- threads

    def stop(self, kind: str) -> None:
        """Tell the call of that kind to stop; what it still has to say is dropped."""
        flag = self._flags.pop(kind, None)
        if flag:
            flag.set()
            self._post(Busy(self._flags))

    def stop_all(self) -> None:
        self.control.stop()
        for kind in list(self._flags):
            self.stop(kind)

    def wait(self, seconds: float) -> bool:
        """Wait for every thread to end; False where one has not in that time."""
        for thread in self._threads:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def _start(
        self,
        kind: str,
        call: Callable[[Flag], Message | None],
        post: Callable[[Message], object] | None = None,
    ) -> None:
        self.stop(kind)
        cancel = self._flags[kind] = Flag()
        self._post(Busy(self._flags))

        def work() -> None:
            answer: Message | None = None
            try:
                answer = call(cancel)
            except OperationCancelledError:
                pass
            except AmlwizardError as error:
                answer = Failed(kind, error)
            except Exception as error:
                answer = Failed(kind, unexpected(error, "Try again"))
            if answer and not cancel.is_set():
                (post or self._post)(answer)
            if self._flags.get(kind) is cancel:
                del self._flags[kind]
                self._post(Busy(self._flags))

        thread = threading.Thread(target=work, name=kind, daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _open(self, target: TargetName) -> None:
        with self._opening:
            self.backend.open(target)

    def _tell(self, cancel: Flag, message: Message) -> None:
        if not cancel.is_set():
            self._post(message)

    def _asking(self, cancel: Flag) -> Callable[[Event], None]:
        """Of what is said outside a run, only that somebody must sign in, and has."""

        def emit(event: Event) -> None:
            if isinstance(event, LoginNeeded | LoginDone):
                self._tell(cancel, RunEvent(event))

        return emit

    def _emitting(self, cancel: Flag) -> Callable[[Event], None]:
        return lambda event: self._tell(cancel, RunEvent(event))
