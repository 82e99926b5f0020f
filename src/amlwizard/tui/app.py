"""The app: the state that all pages show, and what they may do: answer, move between pages,
start actions. It does not depend on any cloud or step; it gets an application, a store for its
sessions, and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import ClassVar, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen
from textual.theme import Theme

from amlwizard import draft as drafts
from amlwizard.accounts import Account, Tenant
from amlwizard.app.port import ApplicationPort, RecordedRun, RunResult, ShellAccess, TargetName
from amlwizard.costs import Costs
from amlwizard.draft import Draft, DraftStore
from amlwizard.errors import AmlwizardError, Finding, InvalidInputError
from amlwizard.events import Event, LoginDone, LoginNeeded, RunStarted, StepProgress
from amlwizard.json_types import JsonObject
from amlwizard.language import _
from amlwizard.line_breaks import let_lines_end_between_letters
from amlwizard.next_steps import NextStep, next_steps, request_lines
from amlwizard.payloads import ScoringResponse
from amlwizard.plan import Plan
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe, SignIn
from amlwizard.session import Session
from amlwizard.tui import background, help, quit, save
from amlwizard.tui.background import BackgroundCalls
from amlwizard.tui.dialogs.go_to import GoTo
from amlwizard.tui.dialogs.login import LoginScreen
from amlwizard.tui.dialogs.palette import Palette
from amlwizard.tui.gc_tuning import GcTuning
from amlwizard.tui.pages.page import WIDE, Page
from amlwizard.tui.pages.registry import BY_ID, PAGES, of_field
from amlwizard.tui.run_controller import RunController, RunningJob
from amlwizard.tui.theme import DARK, LIGHT
from amlwizard.view import RunView

# Textual takes Escape and a digit for what the Option key of a Mac types: ™, £, ∞.
AltDigit = Enum("AltDigit", {f"Alt{digit}": f"alt+{digit}" for digit in range(1, 10)})
cast(dict[str, tuple[Enum, ...]], ANSI_SEQUENCES_KEYS).update(
    {f"\x1b{key.value[-1]}": (key,) for key in AltDigit}
)
KEEP_AFTER = 0.3
CHECK_AFTER = 1.5
"""Seconds after the last answer until preflight checks the recipe."""
UNKNOWN, TOLD = "unknown-key", 5
UNKNOWN_KEYS = _("Review lists such keys, and Ctrl+R there renames or removes them.")
MOST_RUNS = 5
"""Past runs that are listed."""
WHO = {"sign_in.tenant", "sign_in.login", "sign_in.subscription"}
SIGNING_IN = ("sign-in", "plan", "preflight", "verify")
"""The calls beside a run that may ask a user to sign in."""
IN_PROGRESS = _("A run is in progress. Wait until it ends, or cancel it on the Progress page.")


class WizardApp(App[int]):
    """Pages watch its state (``self.watch(self.app, "findings", ...)``) and never set it: they
    give answers and ask for pages and actions. `draft` is where to begin (default: the
    Welcome page), `target` the cloud to build on.

    While a run is in progress, its session and its target cannot be changed. `verified` is what
    was verified on request since the run; `verifying` is the progress of such a verification.
    """

    TITLE = "amlwizard"
    CSS_PATH = Path(__file__).with_name("style.tcss")  # also for subclasses in other modules
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    SCREENS = {page.id: page.make for page in PAGES}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,question_mark", "explain", _("Help"), key_display="f1"),
        Binding("ctrl+s", "save", _("Save recipe"), show=False),
        Binding("ctrl+q", "leave", _("Quit"), priority=True),
        Binding("ctrl+o", "command_palette", _("Commands"), priority=True),
        Binding("ctrl+c", "leave", show=False, system=True),
        Binding("ctrl+g", "choose_page", _("Go to a page"), show=False),
        # Before an editor takes the digit for text.
        *(
            Binding(f"alt+{n}", f"go_to_number({n})", show=False, priority=True)
            for n in range(1, 10)
        ),
        # Before the widget in focus gets the key: what follows it is given to the next one then.
        Binding("tab", "focus_next", show=False, priority=True),
        Binding("shift+tab", "focus_previous", show=False, priority=True),
    ]
    pages = PAGES

    findings: reactive[tuple[Finding, ...]] = reactive((), always_update=True)
    view: reactive[RunView] = reactive(RunView())
    plan: reactive[Plan | None] = reactive(None)
    expected: reactive[Mapping[str, float]] = reactive(dict)
    costs: reactive[Costs | None] = reactive(None)
    account: reactive[Account | None] = reactive(None)
    tenants: reactive[tuple[Tenant, ...]] = reactive(())
    busy: reactive[frozenset[str]] = reactive(frozenset())
    running: reactive[bool] = reactive(False)
    ran: reactive[RunResult | None] = reactive(None)
    past_runs: reactive[tuple[RecordedRun, ...]] = reactive(())
    verified: reactive[Posture | None] = reactive(None)
    verifying: reactive[str] = reactive("")

    def __init__(
        self,
        application: ApplicationPort,
        store: DraftStore,
        draft: Draft | None = None,
        target: TargetName | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        let_lines_end_between_letters()
        super().__init__()
        self.session = Session(store, draft or drafts.new())
        self.session.draft.target = target or self.session.draft.target
        self.application, self.now = application, now
        self.runs = RunController()
        self._ran_recipe: Recipe | None = None
        self._verified_recipe: Recipe | None = None
        self._gc_tuning = GcTuning()
        self._calls = BackgroundCalls(self, self, application)

    def on_load(self) -> None:
        background.prepare_loop()
        self._gc_tuning.begin()

    def on_unmount(self) -> None:
        self.runs.cancel()  # Textual cancels the workers
        self._gc_tuning.end()
        self._give_signals_back()

    def on_mount(self) -> None:
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        self._give_signals_back = quit.catch_signals(self, self)
        self._check = self.set_interval(CHECK_AFTER, self.check_against_the_cloud, pause=True)
        self.findings = self.session.findings
        self.session.visit(self.session.draft.page)
        self.push_screen(self.session.draft.page)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from help.commands(self, self)

    def use_theme(self, theme: Theme) -> None:
        """Use another colour theme."""
        self.theme = theme.name

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, ModalScreen):
            self.push_screen(Palette())

    def action_save(self) -> None:
        save.save(self, self)

    def action_leave(self) -> None:
        quit.leave(self, self)

    def action_explain(self) -> None:
        help.explain(self, self)

    # -- answers

    def answer(self, changes: Mapping[str, object], run: str = "") -> None:
        """Set answers by their recipe paths (None removes one) and check them. Changes of one `run`
        that follow each other are undone together."""
        if not self._refused():
            self.session.put(changes, run)
            self._answered(changes)

    def undo(self) -> None:
        """Take back the last change of answers, wherever it was made, and show its field."""
        if not self._refused():
            self._changed_back(self.session.undo())

    def redo(self) -> None:
        """Make the change again that was undone last."""
        if not self._refused():
            self._changed_back(self.session.redo())

    def _changed_back(self, changes: Mapping[str, object]) -> None:
        if changes:
            self._answered(changes)
            self.go_to_field(next(iter(changes)))

    def _answered(self, changes: Mapping[str, object]) -> None:
        """Follow answers that have changed."""
        if WHO.intersection(changes):
            self._cancel(*SIGNING_IN)
            self.account = None
            self.session.add(())
        self.findings, self.plan, self.costs = self.session.findings, None, None
        self.set_timer(KEEP_AFTER, self.keep)
        if self.account:
            self._check.reset()
            self._check.resume()

    def keep(self) -> None:
        """Save the answers now."""
        try:
            self.session.keep()
        except OSError as error:
            self.notify(
                f"{error.strerror}: {error.filename}", title=_("Not kept"), severity="warning"
            )

    def open_draft(self, draft: Draft, page: str) -> None:
        """Continue with another draft, on the given page, and load its last run."""
        if self._refused():
            return
        self.keep()
        self.session = Session(self.session.store, draft)
        self._clear()
        if draft.run:
            self._calls.recall(draft.run, self._recalled_event, self._recalled)
        self.go(page)

    def _clear(self) -> None:
        """Show nothing that was found out for another session or on another cloud."""
        self._cancel(*SIGNING_IN, "costs", "recall", "score")
        self.findings, self.view = self.session.findings, RunView()
        self.plan = self.costs = self.ran = self.account = self.verified = None
        self._ran_recipe = None
        self.tenants = ()

    def list_runs(self) -> None:
        """Look up `past_runs`."""
        self._calls.past_runs(MOST_RUNS, self._runs_found)

    def _runs_found(self, runs: Sequence[RecordedRun]) -> None:
        self.past_runs = tuple(runs)

    def open_run(self, run: RecordedRun) -> None:
        """Continue with the recipe of a run, and load it."""
        draft = self.draft_from(self.application.places.recipe_of(run.run))
        if draft:
            draft.detach()  # the recipe beside a journal stays as it ran
            draft.run, draft.target = run.run, "azure" if run.target == "azure" else "sandbox"
            self.open_draft(draft, "finish" if run.end == "done" else "progress")

    def forget_run(self, run: RecordedRun) -> None:
        """Delete the record of a run."""
        self._calls.forget_run(run.run, self.list_runs)

    def draft_from(self, path: Path) -> Draft | None:
        """A draft with a recipe file's answers; None, and a notification, if it cannot be read."""
        try:
            draft = drafts.from_file(path)
        except InvalidInputError as error:
            text = "\n".join([error.why, *(f.what for f in error.findings), error.fix]).strip()
            self.notify(text, title=error.what, severity="error", timeout=12, markup=False)
            return None
        unknown = [f.what for f in Session(self.session.store, draft).findings if f.rule == UNKNOWN]
        if unknown:
            text = "\n".join([*unknown[:TOLD], UNKNOWN_KEYS])
            self.notify(
                text, title=_("Read {name}", name=path.name), severity="warning", markup=False
            )
        return draft

    def lacking(self, target: TargetName) -> str:
        return self.application.lacking(target)

    def set_target(self, target: TargetName) -> None:
        """Build on another cloud. The last run was on the former one, so it is no longer shown."""
        if self.session.draft.target != target and not self._refused():
            self.session.set_target(target)
            self._clear()

    def _refused(self) -> bool:
        """Whether a run is in progress, which the requested action would disturb; notifies the
        user."""
        if self.running:
            self.notify(IN_PROGRESS, title=_("Not now"), severity="warning")
        return self.running

    # -- pages

    def may_go(self, page: str) -> bool:
        """Whether the page has anything to show yet."""
        started = self.running or self.view.run or self.session.draft.run
        return not BY_ID[page].after_start or bool(started)

    def go(self, page: str) -> None:
        """Show a page, unless a dialog is open."""
        if isinstance(self.screen, ModalScreen):
            return
        if not self.may_go(page):
            self.notify(
                _("{title} has nothing to show before a run has started.", title=BY_ID[page].title)
            )
            return
        self.clear_notifications()
        self.session.visit(page)
        self.set_timer(KEEP_AFTER, self.keep)
        if self.screen is not self.get_screen(page):
            self.switch_screen(page)

    def action_go(self, page: str) -> None:
        self.go(page)

    def action_go_to_number(self, number: int) -> None:
        """Go to a page by its number, from 1."""
        self.go(PAGES[number - 1].id)

    def action_choose_page(self) -> None:
        """Show the pages, to go to any of them."""
        if not isinstance(self.screen, ModalScreen):
            opened = [page.id for page in PAGES if self.may_go(page.id)]
            self.push_screen(GoTo(PAGES, opened), lambda page: self.go(page) if page else None)

    def step(self, by: int) -> None:
        """Go to the next page or the previous one."""
        at = [page.id for page in PAGES].index(self.session.draft.page) + by
        if 0 <= at < len(PAGES):
            self.go(PAGES[at].id)

    def go_to_field(self, path: str) -> None:
        """Show the page of a field, with the cursor on it."""
        page = of_field(path)
        if page:
            self.go(page.id)
            screen = self.get_screen(page.id)
            assert isinstance(screen, Page)
            screen.focus_field(path)

    # -- the cloud, before a run

    def sign_in(self) -> None:
        """Sign in now and list what the account can access."""
        given = self.session.sign_in
        if given is None:
            self.notify(_("Correct the tenant, the subscription or the sign-in method first."))
        elif not self._refused():
            target = self.session.draft.target
            self._calls.sign_in(target, given, self._tenants_seen, self._signed_in)

    def _tenants_seen(self, tenants: Sequence[Tenant]) -> None:
        self.tenants = tuple(tenants)

    def _signed_in(self, account: Account) -> None:
        self.account, self.plan = account, None
        self.check_against_the_cloud()
        if self.session.draft.page == "review":
            self.make_plan()

    def make_plan(self, ask: bool = False) -> None:
        """Plan the recipe as it is: compared with the cloud if the user has signed in or asks
        for it (`ask`), but not while a run is changing the cloud."""
        recipe = self.session.recipe
        if recipe:
            read = (ask or self.account is not None) and not self.running
            target = self.session.draft.target
            self._calls.plan(target, recipe, read, self._plan_made)
            self._calls.costs(target, recipe, self._costs_known)

    def _plan_made(self, recipe: Recipe, plan: Plan, expected: Mapping[str, float]) -> None:
        if recipe == self.session.recipe:
            self.expected, self.plan = expected, plan

    def _costs_known(self, recipe: Recipe, costs: Costs) -> None:
        if recipe == self.session.recipe:
            self.costs = costs

    def check_against_the_cloud(self) -> None:
        """Run preflight if the user has signed in."""
        self._check.pause()
        recipe = self.session.compared
        if recipe and self.account and not self.running:
            self._calls.preflight(self.session.draft.target, recipe, self.cloud_findings)

    def cloud_findings(self, recipe: Recipe | None, findings: Sequence[Finding]) -> None:
        """Add preflight findings about `recipe`, unless the recipe has changed since."""
        if recipe == self.session.compared:
            self.session.add(findings)
            self.findings = self.session.findings

    # -- a run

    def start(self) -> None:
        """Build the recipe and show the progress. What already exists is kept."""
        recipe = self.session.recipe
        if recipe is None or self.running:
            return
        self._cancel(*SIGNING_IN, "recall")
        self._check.pause()
        job = self.runs.begin(self.session, recipe)
        self.running, self.ran, self.verified = True, None, None
        self._ran_recipe = recipe
        self._calls.run(job, self._expect, self._run_event, self._run_ended)
        self.go("progress")

    def _expect(self, expected: Mapping[str, float]) -> None:
        self.expected = expected

    def _run_event(self, job: RunningJob, event: Event) -> None:
        self.view = self.view.apply(event)
        if isinstance(event, RunStarted):
            job.started(event.run)
            self.keep()
        elif isinstance(event, LoginNeeded):
            self.runs.login_kind = "run"

    def _run_ended(self, job: RunningJob, ran: RunResult) -> None:
        self.runs.end()
        self.running, self.ran = False, ran
        if ran.exit_code == 0:
            job.session.finish()
        if job.restart:
            self.start()

    def _recalled_event(self, event: Event) -> None:
        self.view = self.view.apply(event)

    def _recalled(self, ran: RunResult, recipe: Recipe | None) -> None:
        self.ran, self._ran_recipe = ran, recipe

    # -- after a run

    def verify(self) -> None:
        """Verify the platform now; not while a run is changing it."""
        recipe = self.session.reading.recipe
        if self.running:
            text = _("A run is in progress. It verifies the platform when it finishes.")
            self.notify(text, title=_("Not now"), severity="warning")
        elif recipe is None:
            self.notify(_("The recipe has errors. Correct them first: Review lists them."))
        else:
            self.verifying = ""
            target = self.session.draft.target
            self._calls.verify(target, recipe, self._verifying, self._verified)

    def _verifying(self, text: str) -> None:
        self.verifying = text

    def _verified(self, recipe: Recipe, posture: Posture) -> None:
        if recipe == self.session.reading.recipe:
            self.verified, self._verified_recipe = posture, recipe
        else:
            text = _("The answers have changed since then. Verify again.")
            self.notify(text, title=_("The verification is out of date"), severity="warning")

    def stop_verifying(self) -> None:
        self._cancel("verify")

    def save_report(self, posture: Posture, path: Path) -> None:
        """Write a posture to a file as an HTML page, with the network that it is about, whatever
        the answers are by now."""
        judged = self._verified_recipe if posture is self.verified else self._ran_recipe
        recipe = judged or self.session.reading.recipe
        if recipe is None:
            self.notify(
                _("The report shows the recipe's network. Correct the recipe's errors first.")
            )
        else:
            self._calls.report(posture, recipe, path, self._report_saved)

    def _report_saved(self, path: Path) -> None:
        self.notify(str(path), title=_("Report written"), timeout=12, markup=False)

    def score(
        self,
        request: JsonObject,
        scored: Callable[[ScoringResponse], None],
        failed: Callable[[AmlwizardError], None],
    ) -> bool:
        """Send a scoring request to what the run has deployed, whatever the answers are by now;
        False if its recipe is not known and the present one has errors. Only the callbacks get the
        result."""
        recipe, target = self._ran_recipe or self.session.recipe, self.session.draft.target
        if recipe:
            self._calls.score(target, recipe, self.view.run, request, scored, failed)
        return recipe is not None

    @property
    def next_steps(self) -> Sequence[NextStep]:
        """What is left to do after the run that is shown; empty if there is none."""
        if not self.view.run:
            return ()
        return tuple(next_steps(self.view, self.recipe_file, self._access))

    def request_lines(self, answer: ScoringResponse) -> Sequence[str]:
        """The commands that send a request again from another shell."""
        return request_lines(answer, self.recipe_file, self._access)

    @property
    def _access(self) -> ShellAccess:
        session, places = self.session, self.application.places
        return places.access[session.draft.target].of(session.sign_in or SignIn())

    @property
    def recipe_file(self) -> Path:
        """The file of the recipe that ran: the user's own if it still holds these answers."""
        draft = self.session.draft
        saved = Path(draft.saved)
        kept = draft.as_saved and saved.is_file()
        return saved if kept else self.application.places.recipe_of(self.view.run)

    def stop_scoring(self) -> None:
        self._cancel("score")

    def trained(self, run_id: str, found: Callable[[str, Sequence[StepProgress]], None]) -> None:
        """Find what training reported when it created that MLflow run."""
        self._calls.trained(run_id, found)

    # -- what background calls report

    def calls_changed(self, kinds: frozenset[str]) -> None:
        self.busy = kinds

    def call_failed(self, kind: str, error: AmlwizardError) -> None:
        if kind == "run":
            self.runs.end()
            self.running = False
            self._drop_login()
        elif self.view.login and self.runs.login_kind == kind:
            self._login_failed(error)
            return
        if isinstance(error, InvalidInputError) and error.findings:
            self.session.add(error.findings)
            self.findings = self.session.findings
        text = "\n".join(part for part in (error.why, error.fix) if part)
        self.notify(text, title=error.what, severity="error", timeout=12, markup=False)

    def _cancel(self, *kinds: str) -> None:
        """Cancel these calls, and the sign-in that one of them may be waiting for."""
        for kind in kinds:
            self._calls.cancel(kind)
        if self.runs.login_kind in kinds:
            self._drop_login()

    def cancel_calls(self) -> None:
        """Cancel everything in progress, including the run."""
        self.runs.cancel()
        self._calls.cancel_all()

    # -- a sign-in that waits for a user

    @property
    def login_screen(self) -> LoginScreen | None:
        return next((s for s in self.screen_stack if isinstance(s, LoginScreen)), None)

    def watch_view(self, view: RunView) -> None:
        if view.login and not self.login_screen:
            self.push_screen(LoginScreen(view.login, self.application.approves_sign_ins, self.now))

    def login_changed(self, kind: str, event: LoginNeeded | LoginDone) -> None:
        """A call other than a run needs a sign-in, or has completed it. The view keeps its time, so
        the duration of the run does not grow."""
        if isinstance(event, LoginNeeded):
            self.runs.login_kind = kind
        self.view = replace(self.view.apply(event), now=self.view.now)

    def _login_failed(self, error: AmlwizardError) -> None:
        if self.login_screen:
            self.login_screen.fail(error.why or error.what, error.fix)
        self._drop_login()

    def _drop_login(self) -> None:
        if self.view.login:
            self.view = replace(self.view, login=None)

    def on_login_screen_approved(self, message: LoginScreen.Approved) -> None:
        self._calls.approve_sign_in(message.login)

    def on_login_screen_new_code(self, message: LoginScreen.NewCode) -> None:
        """Repeat the action that needed the sign-in."""
        if self.running:
            self.runs.cancel(restart=True)
        elif self.runs.login_kind == "run":
            self.start()
        elif self.runs.login_kind == "verify":
            self.verify()
        else:
            self.sign_in()

    def on_login_screen_cancel(self, message: LoginScreen.Cancel) -> None:
        self._cancel(*SIGNING_IN)
        if self.runs.login_kind == "run":
            self.runs.cancel()
        self._drop_login()
