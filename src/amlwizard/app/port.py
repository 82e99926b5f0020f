"""What a front end may ask of the program: the port between screens and prompts on the one side and
cloud, steps and engine on the other. Plain values cross it, in both directions.

Every call blocks and is made from a worker, never from the thread that draws. Errors are
`AmlwizardError`s; what happens meanwhile is said as events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any, Literal, Protocol

from amlwizard.accounts import Account, Tenant
from amlwizard.errors import Finding
from amlwizard.events import Emit, StepProgress
from amlwizard.plan import Phase, Plan
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, SignIn
from amlwizard.run_control import RunControl

TargetName = Literal["sandbox", "azure"]


@dataclass(frozen=True)
class RunResult:
    """How a run ended, and where its recipe and journal are. The exit code of a run that was cut
    off is that of one that was cancelled."""

    exit_code: int
    run: str
    recipe: Path
    journal: Path


@dataclass(frozen=True)
class ScoringResponse:
    """A scoring request as it was sent, and its answer. `curl` is the same as a command, its key
    masked. Where the status is 400 or more, `why` is what the container wrote of it, and `fix` what
    to do."""

    request: Mapping[str, Any]
    status: int
    response: Any
    seconds: float
    curl: str
    fix: str = ""
    why: str = ""


class ApplicationPort(Protocol):
    """One target at a time: calls that ask a cloud are made within `using` it."""

    def using(
        self, target: TargetName, cancel: CancelEvent | None = None
    ) -> AbstractContextManager[object]:
        """Make the cloud reachable, and keep it so until the block ends; an embedded sandbox takes a
        moment to start. Waits while another target is in use; OperationCancelledError where
        `cancel` is set meanwhile."""

    @property
    def plays_the_person(self) -> bool:
        """Whether `agree` can answer a device code, as the person in a browser would."""

    def agree(self, login: str) -> None: ...

    def outline(self, recipe: Recipe) -> Plan:
        """The plan without any cloud: every step is still to be done."""

    def plan(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Plan:
        """The plan against what the cloud has. Signs in where nobody has yet."""

    def accounts(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Sequence[Tenant]:
        """Sign in (login and tenant of `given`), and say what there is to choose from."""

    def sign_in(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Account:
        """Sign in, and choose the subscription. Who has signed in is not asked again; after a code
        that expired or was declined (SignInError), another call asks for a new one."""

    def preflight(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent, name: str = "RECIPE"
    ) -> Sequence[Finding]:
        """What the cloud will refuse: names taken, quota, roles, overlaps. Reads only. `name` is
        what the recipe is called in the commands that correct what is found."""

    def expected(self, recipe: Recipe) -> Mapping[str, float]:
        """Seconds that each step takes, by step id: from recorded journals, else as Azure does."""

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
        """Build what the recipe describes. `name` is what the recipe is called in events, `rerun`
        are phases whose work is done again, `last` is the phase to stop after, `ignored` are
        preflight rules that do not stop the run."""

    def recall(self, run: str, emit: Emit) -> RunResult:
        """Say the events of an earlier run once more, as its journal has them, but for its logins."""

    def verify(
        self, recipe: Recipe, emit: Emit, control: RunControl, skip: Collection[str] = ()
    ) -> Posture:
        """Whether the platform keeps what its recipe promises, seen from outside and from inside;
        `skip` names the sides to leave out. Wakes a Databricks cluster that sleeps."""

    def plan_teardown(self, recipe: Recipe, purge: bool, emit: Emit, cancel: CancelEvent) -> Plan:
        """What a teardown would remove, in its order, and what it would leave. With `purge`, also
        what would stay soft-deleted."""

    def destroy(
        self, recipe: Recipe, name: str, purge: bool, emit: Emit, control: RunControl
    ) -> RunResult:
        """Remove what carries the recipe's tag."""

    def report(self, posture: Posture, recipe: Recipe, path: Path) -> Path:
        """Write a posture as an HTML page, with what the journals of the recipe's runs tell; answers
        where it lies. InvalidInputError where it cannot be written there."""

    def score(
        self, recipe: Recipe, run: str, request: Mapping[str, Any], cancel: CancelEvent
    ) -> ScoringResponse:
        """Send another scoring request to what `run` (its id) deployed; the response, whatever its
        status. InvalidInputError if that run has not deployed anything, or is not known here."""

    def trained(self, run_id: str) -> Sequence[StepProgress]:
        """What the training step reported when it made that MLflow run, from recorded journals;
        nothing where none of them knows it."""
