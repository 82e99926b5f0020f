"""What pilots share: apps over an application or over a small backend that answers immediately, and
waiting for the app's messages."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any, TypeVar

from textual.app import App
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from amlwizard.accounts import Account, Subscription, Tenant
from amlwizard.app.port import (
    ApplicationPort,
    Places,
    RecordedRun,
    RunResult,
    ShellAccess,
    TargetName,
)
from amlwizard.costs import Charge, Costs, Meter, Price
from amlwizard.draft import Draft, DraftStore, from_file
from amlwizard.errors import AmlwizardError, Finding, InvalidInputError, OperationCancelledError
from amlwizard.events import (
    Emit,
    LoginDone,
    LoginNeeded,
    RunFinished,
    RunStarted,
    StepFinished,
    StepInfo,
    StepProgress,
    StepStarted,
)
from amlwizard.journal import read
from amlwizard.json_types import JsonObject
from amlwizard.model_version import ModelVersion
from amlwizard.payloads import ScoringResponse
from amlwizard.plan import Phase, Plan, PlannedStep
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, SignIn
from amlwizard.run_control import RunControl
from amlwizard.secret import Secret
from amlwizard.tui.app import WizardApp
from amlwizard.tui.demo.script import on_screen
from amlwizard.tui.pages.form import FormPage
from amlwizard.view import RunView
from support import PATIENCE, RECIPES

GOLDEN = Path(__file__).parents[1] / "golden" / "quickstart.jsonl"
LOOK = 0.1
"""Seconds after which to look again if the app posts no message."""
P = TypeVar("P", bound=Screen[Any])
NAT = Charge("NAT gateway", Meter("NAT Gateway", "Global"))
NODES = Charge("AKS node Standard_D4as_v5", Meter("Virtual Machines", "westeurope"), count=3)
HOURLY = {NODES.meter: 0.208, NAT.meter: 0.045}
COSTS = Costs(
    (NODES, NAT), {meter: Price(hourly, "USD", "2026-11-27") for meter, hourly in HOURLY.items()}
)
REVIVAL = "amlwizard sandbox --state sandbox.json"
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


# -- walking


@dataclass
class Walk:
    """An app under a pilot. `see` waits for what a user would wait for."""

    app: WizardApp
    pilot: Pilot[Any]
    _moved: asyncio.Event

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*("space" if c == " " else c for c in text))

    async def go(self, page: str) -> None:
        """Jump to a page, as a click on the rail does."""
        self.app.go(page)
        await self.see(lambda: self.page == page and self.app.screen.is_mounted)
        await self.pilot.pause()

    async def see(self, wanted: str | Callable[[], Any]) -> None:
        """Wait for a text on the screen, or for `wanted()` to be true; else AssertionError."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (wanted in self.text if isinstance(wanted, str) else wanted()):
                    self._moved.clear()
                    with suppress(TimeoutError):  # a message takes effect after it is seen
                        await asyncio.wait_for(self._moved.wait(), LOOK)
        except TimeoutError:
            raise AssertionError(f"never seen: {wanted}\n{self.text}") from None

    @property
    def text(self) -> str:
        """The text on the screen."""
        return on_screen(self.app)

    @property
    def page(self) -> str:
        return self.app.session.draft.page


async def to_field(walk: Walk, path: str) -> None:
    """Put the cursor into a field, on whichever page it is."""

    def there() -> bool:
        page = walk.app.screen
        row = page.focused_row if isinstance(page, FormPage) else None
        return row is not None and row.spec.path == path

    walk.app.go_to_field(path)
    await walk.see(there)


@asynccontextmanager
async def walking(app: WizardApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Walk]:
    moved = asyncio.Event()

    def hook(message: Message) -> None:
        moved.set()

    async with app.run_test(size=size, notifications=True, message_hook=hook) as pilot:
        await pilot.pause()
        yield Walk(app, pilot, moved)


# -- a backend for screens whose logic needs no cloud

STEPS = (
    PlannedStep("sign-in", "Sign in", "sign-in", (), "run", az=("az login",)),
    PlannedStep("vnet", "Virtual network", "provision", ("sign-in",), "create",
                az=("az network vnet create -n vnet",)),
    PlannedStep("train", "Training run", "train", ("vnet",), "run"),
    PlannedStep("score", "Scoring request", "score", ("train",), "run"),
)  # fmt: skip


@dataclass
class FakeBackend:
    """Answers immediately, and records its calls. `fails` names a step that fails in the next run;
    `gate` holds a run after its first step until it is set. `verdict` is the result of a
    verification, `looking` holds it until it is set, `code` makes it request a sign-in.
    `signing_in`, `pricing` and `loading` hold a sign-in, the prices, and a recall of an earlier run
    after its first step, until they are set; these ignore a cancellation, as a call that hangs in a socket does."""

    fails: str = ""
    taken: str = ""
    subscriptions: int = 1
    approves_sign_ins: bool = False
    lacks: str = ""
    asked: list[str] = field(default_factory=list)
    gate: CancelEvent | None = None
    verdict: Posture | AmlwizardError | None = None
    looking: CancelEvent | None = None
    signing_in: CancelEvent | None = None
    loading: CancelEvent | None = None
    pricing: CancelEvent | None = None
    code: str = ""
    runs: tuple[RecordedRun, ...] = ()

    @contextmanager
    def using(self, target: str, cancel: CancelEvent | None = None) -> Iterator[None]:
        self.asked.append(f"open {target}")
        yield

    def lacking(self, target: TargetName) -> str:
        return self.lacks if target == "sandbox" else ""

    @property
    def places(self) -> Places:
        return Places(
            Path("runs"),
            {"azure": ShellAccess("azure"), "sandbox": ShellAccess("sandbox", revival=REVIVAL)},
        )

    def approve_sign_in(self, login: str) -> None: ...

    def accounts(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Sequence[Tenant]:
        if self.signing_in:
            assert self.signing_in.wait(PATIENCE)
        seen = tuple(
            Subscription(SUBSCRIPTION[:-1] + str(n), f"Subscription {n}", "Enabled", "t")
            for n in range(self.subscriptions)
        )
        return [Tenant("t", "Contoso", "contoso.example", seen)]

    def sign_in(self, given: SignIn, emit: Emit, cancel: CancelEvent) -> Account:
        self.asked.append(f"sign-in {given.subscription}")
        return Account(
            "me@contoso.example", given.tenant, given.subscription or SUBSCRIPTION, "Subscription"
        )

    def outline(self, recipe: Recipe) -> Plan:
        return Plan(None, STEPS)

    def plan(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Plan:
        self.asked.append("plan")
        return Plan("sandbox", STEPS)

    def expected(self, recipe: Recipe) -> Mapping[str, float]:
        return {"vnet": 9, "train": 40}

    def costs(self, recipe: Recipe) -> Costs:
        if self.pricing:
            assert self.pricing.wait(PATIENCE)
        return COSTS

    def preflight(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent, name: str = "RECIPE"
    ) -> Sequence[Finding]:
        if recipe.names.registry != self.taken:
            return ()
        what = f"The name {self.taken} is taken."
        return [Finding("TAKEN", "error", ("names.registry",), what, fix="Choose another.")]

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
        steps = tuple(StepInfo(s.id, s.title, s.phase, s.after) for s in STEPS)
        emit(RunStarted(seq=1, at=1, run="run-1", recipe=name, target="sandbox", steps=steps))
        fails, self.fails = self.fails, ""
        for at, step in enumerate(STEPS, 2):
            emit(StepStarted(at=at, step=step.id, action=step.action))
            if step.id == fails:
                emit(StepFinished(at=at, step=step.id, outcome="failed", what="It broke.",
                                  why="A reason.", fix="A way out.", code="Broken"))  # fmt: skip
                emit(RunFinished(at=at, exit_code=1, counts={}))
                return RunResult(1, "run-1", Path("recipe.yaml"), Path("journal.jsonl"))
            emit(StepFinished(at=at + 0.5, step=step.id, outcome="done"))
            while self.gate and not self.gate.wait(0.01):
                if control.cancelled.is_set():
                    emit(RunFinished(at=at, exit_code=130, counts={}))
                    return RunResult(130, "run-1", Path("recipe.yaml"), Path("journal.jsonl"))
        emit(RunFinished(at=10, exit_code=0, counts={}))
        return RunResult(0, "run-1", Path("recipe.yaml"), Path("journal.jsonl"))

    def verify(
        self, recipe: Recipe, emit: Emit, control: RunControl, skip: Collection[str] = ()
    ) -> Posture:
        self.asked.append("verify")
        if self.code:
            now = time.time()
            emit(LoginNeeded(at=now, step="sign-in", url="https://x", user_code=self.code,
                             expires_at=now + 900))  # fmt: skip
        emit(StepProgress(at=20, step="verify", message="cell 2 of 3"))
        while self.looking and not self.looking.wait(0.01):
            if control.cancelled.is_set():
                raise OperationCancelledError("Cancelled.")
        if isinstance(self.verdict, AmlwizardError):
            raise self.verdict
        if self.code:
            emit(LoginDone(at=time.time(), step="sign-in", account="me@contoso.example"))
        assert self.verdict
        return self.verdict

    def report(self, posture: Posture, recipe: Recipe, path: Path) -> Path:
        self.asked.append(f"report {recipe.names.prefix}")
        if path.is_dir():
            raise InvalidInputError(f"{path} is a folder.", fix="Name the file of the page.")
        path.write_text(posture.summary)
        return path.absolute()

    def model_versions(
        self, recipe: Recipe, emit: Emit, cancel: CancelEvent
    ) -> Sequence[ModelVersion]:
        raise AssertionError("no page lists versions")

    def endpoint_key(self, recipe: Recipe, emit: Emit, cancel: CancelEvent) -> Secret:
        raise AssertionError("no page shows a key")

    def expected_teardown(self, plan: Plan) -> Mapping[str, float]:
        raise AssertionError("no page takes anything down")

    def plan_teardown(self, recipe: Recipe, purge: bool, emit: Emit, cancel: CancelEvent) -> Plan:
        raise AssertionError("no page takes anything down")

    def destroy(
        self, recipe: Recipe, name: str, purge: bool, emit: Emit, control: RunControl
    ) -> RunResult:
        raise AssertionError("no page takes anything down")

    def score(
        self, recipe: Recipe, run: str, request: JsonObject, cancel: CancelEvent
    ) -> ScoringResponse:
        self.asked.append(f"score {recipe.names.prefix}")
        raise InvalidInputError("There is no endpoint.")

    def trained(self, run_id: str) -> Sequence[StepProgress]:
        return ()

    def past_runs(self, count: int) -> Sequence[RecordedRun]:
        return self.runs

    def forget_run(self, run: str) -> None:
        self.runs = tuple(one for one in self.runs if one.run != run)

    def recall(self, run: str, emit: Emit) -> RunResult:
        self.asked.append(f"recall {run}")
        began = StepInfo("old", "Old step", "provision")
        emit(RunStarted(seq=1, at=1, run=run, recipe="again", target="sandbox", steps=(began,)))
        if self.loading:
            assert self.loading.wait(PATIENCE)
        emit(StepFinished(at=2, step="old", outcome="failed", what="It broke."))
        emit(RunFinished(at=2, exit_code=1, counts={}))
        return RunResult(1, run, Path("recipe.yaml"), Path("journal.jsonl"))


def wizard(
    backend: ApplicationPort, draft: Draft | None = None, folder: Path | None = None, **more: Any
) -> WizardApp:
    return WizardApp(backend, DraftStore(folder or Path(tempfile.mkdtemp())), draft, **more)


# -- a recorded run


@cache
def recorded(seconds: float = 1e9) -> RunView:
    """The recorded run of quickstart as of `seconds` after its start."""
    view = RunView()
    for event in read(GOLDEN):
        if view.started and event.at - view.started > seconds:
            break
        view = view.apply(event)
    return view


def judged(view: RunView) -> Posture:
    """The posture that a run reported."""
    (body,) = [e.data["posture"] for e in view.steps["verify"].log if "posture" in e.data]
    return Posture.from_json(body)


CLOSE = "az ml workspace update -g rg-mlquick01 -n mlw-mlquick01 --public-network-access Disabled"


def opened(posture: Posture) -> Posture:
    """The posture as if the workspace had been opened to the Internet."""
    seen = {"public network access": "Enabled", "request with a valid token": "HTTP 200"}
    found = []
    for line in posture.lines:
        if line.id == "workspace.closed":
            pieces = tuple(
                replace(p, seen=seen[p.what], outcome="broken") if p.what in seen else p
                for p in line.evidence
            )
            said = "; ".join(f"{what}: {value}" for what, value in seen.items())
            line = replace(line, outcome="broken", evidence=pieces, seen=said, fix=CLOSE)
        found.append(line)
    return replace(posture, lines=tuple(found))


def unkept(view: RunView) -> RunView:
    """A finished run as if its verification had found the workspace open."""
    posture, step = opened(judged(view)), view.steps["verify"]
    said = replace(step.log[-1], message=posture.summary, data={"posture": posture.to_json()})
    end = StepFinished(
        at=step.finished, step="verify", outcome="failed",
        what="1 of 26 promises of the recipe is not shown to be kept: "
        "The workspace answers nobody from outside",
        why=f"workspace.closed: {posture.of('broken')[0].seen}", fix=CLOSE,
    )  # fmt: skip
    failed = replace(step, state="failed", log=(*step.log[:-1], said), end=end)
    return replace(view, steps={**view.steps, "verify": failed}, exit_code=1)


def at_page(page: str, view: RunView, backend: ApplicationPort | None = None) -> WizardApp:
    """The app at a page, with the answers of quickstart and the run `view`."""
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page = page
    app = wizard(backend or FakeBackend(), draft)
    app.view = view
    return app


def wizard_of(pilot: Pilot[Any]) -> WizardApp:
    """The app under a pilot; AssertionError if it is another one than ours."""
    assert isinstance(pilot.app, WizardApp)
    return pilot.app


def page_of(app: App[Any], kind: type[P]) -> P:
    """The page that is shown, which is of that kind; else AssertionError."""
    assert isinstance(app.screen, kind)
    return app.screen


async def until(pilot: Pilot[Any], seen: Callable[[], Any]) -> None:
    """Wait until `seen()` is true; TimeoutError if it never is."""
    async with asyncio.timeout(PATIENCE):
        while not seen():
            await pilot.pause(LOOK)
