"""The interface between front ends (screens, prompts) and the application (cloud, steps, engine).
Only plain values cross it.

Every call blocks, so call it from a worker thread, never from the one that draws. Errors are
`AmlwizardError`s; progress is reported as events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as CancelEvent
from typing import Literal, Protocol

from amlwizard.accounts import Account, Tenant
from amlwizard.costs import Costs
from amlwizard.errors import Finding
from amlwizard.events import Emit, StepProgress
from amlwizard.json_types import JsonObject
from amlwizard.language import _
from amlwizard.model_version import ModelVersion
from amlwizard.payloads import ScoringResponse
from amlwizard.plain_text import PlainText
from amlwizard.plan import Phase, Plan
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, SignIn
from amlwizard.run_control import RunControl
from amlwizard.secret import Secret

TargetName = Literal["sandbox", "azure"]
RunEnd = Literal["done", "failed", "cancelled", "unfinished", "in progress"]
RUN_ENDS: Mapping[RunEnd, str] = {
    "done": _("done"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
    "unfinished": _("unfinished"),
    "in progress": _("in progress"),
}
"""How a run ended, in words."""
RECIPE = "recipe.yaml"  # in the folder of a run


@dataclass(frozen=True)
class RunResult:
    """How a run ended, and where its recipe and journal are. An interrupted run has the exit code
    of a cancelled one."""

    exit_code: int
    run: str
    recipe: Path
    journal: Path


@dataclass(frozen=True)
class RecordedRun(PlainText):
    """A run on this machine. `began` is in seconds since the epoch; `holder` names the process
    that works on one which is in progress."""

    run: str
    recipe: str
    target: str
    began: float
    end: RunEnd
    model: str = ""
    metrics: str = ""
    holder: str = ""


@dataclass(frozen=True)
class ShellAccess:
    """How commands in another shell reach a target as this process does: by its name, with the options of
    `login` if the recipe does not say how to sign in, with those of `consent` if the target can agree
    to a sign-in, and with environment `variables`. `revival` is the command that brings back a target
    which ends with this process; empty for any other."""

    target: TargetName
    login: tuple[str, ...] = ()
    consent: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    revival: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        return ("--target", self.target, *self.login)

    def of(self, given: SignIn) -> ShellAccess:
        """The access for a recipe with these sign-in answers."""
        return replace(self, login=()) if given.login else self


@dataclass(frozen=True)
class Places:
    """Where other processes find the `runs` of this one, and how they reach its targets."""

    runs: Path
    access: Mapping[TargetName, ShellAccess]

    def recipe_of(self, run: str) -> Path:
        """The file that keeps the recipe of a run, given its id."""
        return self.runs / run / RECIPE


class ApplicationPort(Protocol):
    """One target at a time: make calls that reach a cloud inside `using`."""

    def using(
        self, target: TargetName, cancel: CancelEvent | None = None
    ) -> AbstractContextManager[object]:
        """Make the cloud reachable and keep it so until the block ends; starting an embedded
        sandbox takes a moment. Waits while another target is in use. Raises
        OperationCancelledError if `cancel` is set meanwhile."""

    def lacking(self, target: TargetName) -> str:
        """How to install what a target needs and this machine has not, in one sentence; empty if
        nothing is missing."""

    @property
    def places(self) -> Places:
        """Where other processes find the runs and the targets of this one. Does not block."""

    @property
    def approves_sign_ins(self) -> bool:
        """Whether `approve_sign_in` can approve a device code on the user's behalf."""

    def approve_sign_in(self, login: str) -> None: ...

    def outline(self, recipe: Recipe) -> Plan:
        """The plan without a cloud: every step is still to be done."""

    def plan(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Plan:
        """The plan compared with what exists in the cloud. Signs in first if necessary."""

    def accounts(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Sequence[Tenant]:
        """Sign in with the login and tenant of `given`, and list the tenants and subscriptions
        to choose from."""

    def sign_in(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Account:
        """Sign in and choose the subscription. Does not ask again if already signed in. After a
        code that expired or was declined (SignInError), another call asks for a new one."""

    def preflight(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent, name: str = "RECIPE"
    ) -> Sequence[Finding]:
        """What the cloud will refuse: names taken, quota, roles, overlaps. Reads only. `name` is
        the name of the recipe in commands that correct the findings."""

    def expected(self, recipe: Recipe) -> Mapping[str, float]:
        """Expected seconds of each step, by step id: from recorded journals if there are any,
        otherwise typical values for Azure."""

    def costs(self, recipe: Recipe) -> Costs:
        """What a recipe's platform costs, by list prices of today or the last that were read. Says why if
        none are known."""

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
        """Build what the recipe describes. `name` is the name of the recipe in events, `rerun` are
        phases whose work is done again, `last` is the phase to stop after, `ignored` are preflight
        rules that do not stop the run."""

    def past_runs(self, count: int) -> Sequence[RecordedRun]:
        """The newest runs on this machine, newest first."""

    def forget_run(self, run: str) -> None:
        """Delete the record of a run. What it has built stays. Raises InvalidInputError if there is no such
        run, or if it is in progress."""

    def recall(self, run: str, emit: Emit) -> RunResult:
        """Emit the events of an earlier run again, as recorded in its journal, without its
        logins."""

    def verify(
        self, recipe: Recipe, emit: Emit, control: RunControl, skip: Collection[str] = ()
    ) -> Posture:
        """Check the platform against what its recipe promises, from outside and from inside the
        VNET; `skip` names sides to leave out. Starts the Databricks cluster if it is
        terminated."""

    def model_versions(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent
    ) -> Sequence[ModelVersion]:
        """The registered versions of the recipe's model, newest first, and what serves them."""

    def endpoint_key(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Secret:
        """The key of the recipe's endpoint. Raises InvalidInputError if there is no endpoint."""

    def plan_teardown(self, recipe: Recipe, purge: bool, emit: Emit, cancel: CancelEvent) -> Plan:
        """What a teardown would remove, in order, and what it would leave. With `purge`, also
        what would remain soft-deleted."""

    def expected_teardown(self, plan: Plan) -> Mapping[str, float]:
        """Expected seconds by step id, from earlier teardowns on this target; empty if they cannot
        tell when it will end."""

    def destroy(
        self, recipe: Recipe, name: str, purge: bool, emit: Emit, control: RunControl
    ) -> RunResult:
        """Remove the resources that carry the recipe's tag."""

    def report(self, posture: Posture, recipe: Recipe, path: Path) -> Path:
        """Write a posture as an HTML page, with data from the journals of the recipe's runs.
        Returns the path. Raises InvalidInputError if the file cannot be written."""

    def score(
        self, recipe: Recipe, run: str, request: JsonObject, cancel: CancelEvent
    ) -> ScoringResponse:
        """Send another scoring request to what `run` (its id) deployed; the response, whatever its
        status. InvalidInputError if that run has not deployed anything, or is not known here."""

    def trained(self, run_id: str) -> Sequence[StepProgress]:
        """What the training step reported when it created that MLflow run, from recorded
        journals; empty if none of them has it."""
