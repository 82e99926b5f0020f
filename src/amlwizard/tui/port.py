"""The interface of the app that its pages use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from textual.theme import Theme

from amlwizard.accounts import Account, Tenant
from amlwizard.app.port import RecordedRun, RunResult, TargetName
from amlwizard.costs import Costs
from amlwizard.draft import Draft
from amlwizard.errors import AmlwizardError, Finding
from amlwizard.events import StepProgress
from amlwizard.json_types import JsonObject
from amlwizard.next_steps import NextStep
from amlwizard.payloads import ScoringResponse
from amlwizard.plan import Plan
from amlwizard.posture import Posture
from amlwizard.session import Session
from amlwizard.view import RunView


class PageInfo(Protocol):
    """A page of the wizard. `sections` are the parts of the recipe that are answered there;
    `about` says what it is for."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def sections(self) -> tuple[str, ...]: ...


class Runs(Protocol):
    """The run in progress: whether it is paused or being cancelled, and how to do so."""

    @property
    def paused(self) -> bool: ...
    @property
    def cancelling(self) -> bool: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def cancel(self) -> None: ...


class Wizard(Protocol):
    """The app as its pages see it. The attributes are reactive on the app: pages watch them
    there (``self.watch(self.app, "view", ...)``), read them here, and never set them.

    `verified` is what was verified on request since the run, `verifying` the progress of such a
    verification; `busy` are the kinds of background calls in progress.
    """

    session: Session
    now: Callable[[], float]
    findings: tuple[Finding, ...]
    view: RunView
    plan: Plan | None
    expected: Mapping[str, float]
    costs: Costs | None
    account: Account | None
    tenants: tuple[Tenant, ...]
    busy: frozenset[str]
    running: bool
    ran: RunResult | None
    past_runs: tuple[RecordedRun, ...]
    verified: Posture | None
    verifying: str

    @property
    def pages(self) -> Sequence[PageInfo]: ...

    @property
    def runs(self) -> Runs: ...

    @property
    def next_steps(self) -> Sequence[NextStep]:
        """What is left to do after the run that is shown; empty if there is none."""

    def request_lines(self, answer: ScoringResponse) -> Sequence[str]:
        """The commands that send a request again from another shell."""

    # -- answers and pages

    def lacking(self, target: TargetName) -> str:
        """How to install what a target needs and this machine has not; empty if it has all."""

    def answer(self, changes: Mapping[str, object], run: str = "") -> None:
        """Set answers by their recipe paths; None removes one. Changes of one `run` that follow each
        other are undone together. Refused while a run is in progress."""

    def undo(self) -> None:
        """Take back the last change of answers, and show its field. Refused as `answer` is."""

    def redo(self) -> None:
        """Make the change again that was undone last, and show its field."""

    def keep(self) -> None:
        """Save the answers now."""

    def open_draft(self, draft: Draft, page: str) -> None:
        """Continue with another draft. Refused while a run is in progress."""

    def list_runs(self) -> None:
        """Look up `past_runs`."""

    def open_run(self, run: RecordedRun) -> None:
        """Continue with the recipe of a run, and load it."""

    def forget_run(self, run: RecordedRun) -> None:
        """Delete the record of a run."""

    def draft_from(self, path: Path) -> Draft | None:
        """A draft with a recipe file's answers; None, and a notification, if it cannot be read."""

    def set_target(self, target: TargetName) -> None:
        """Build on another cloud. Refused while a run is in progress."""

    def may_go(self, page: str) -> bool: ...
    def go(self, page: str) -> None: ...
    def step(self, by: int) -> None: ...
    def go_to_field(self, path: str) -> None: ...

    # -- actions: each starts a background call, if the app's state allows it

    def sign_in(self) -> None: ...
    def make_plan(self, ask: bool = False) -> None: ...
    def start(self) -> None: ...
    def verify(self) -> None: ...
    def stop_verifying(self) -> None: ...
    def save_report(self, posture: Posture, path: Path) -> None: ...
    def score(
        self,
        request: JsonObject,
        scored: Callable[[ScoringResponse], None],
        failed: Callable[[AmlwizardError], None],
    ) -> bool: ...
    def stop_scoring(self) -> None: ...
    def trained(
        self, run_id: str, found: Callable[[str, Sequence[StepProgress]], None]
    ) -> None: ...
    def cancel_calls(self) -> None: ...

    # -- commands of the palette

    def use_theme(self, theme: Theme) -> None: ...
    def action_save(self) -> None: ...
    def action_leave(self) -> None: ...
    def action_explain(self) -> None: ...
