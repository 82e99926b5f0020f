"""The app: owns the state that screens watch, and answers what workers report. It knows no cloud and
no step; what it is given is a backend, a folder for its sessions, and a clock."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import ModalScreen

from amlwizard.backend import Account, Backend, Ran, Tenant
from amlwizard.errors import Finding
from amlwizard.events import RunStarted
from amlwizard.plan import Plan
from amlwizard.tui import messages as said
from amlwizard.tui.draft import Draft, DraftStore, new
from amlwizard.tui.login import LoginScreen
from amlwizard.tui.pages import BY_ID, PAGES, of_field
from amlwizard.tui.session import Session
from amlwizard.tui.theme import DARK, LIGHT
from amlwizard.tui.work import Work
from amlwizard.view import RunView

KEEP_AFTER = 0.3
WIDE = 110


class WizardApp(App[int]):
    """Screens watch `findings`, `view`, `plan`, `account`..., and change answers by `answer`."""

    TITLE = "amlwizard"
    CSS_PATH = "style.tcss"
    COMMAND_PALETTE_BINDING = "ctrl+o"
    SCREENS = {page.id: page.make for page in PAGES}  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "explain", "Help"),
        Binding("ctrl+s", "save", "Save", show=False),
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True),
        Binding("ctrl+c", "leave", show=False, system=True),
    ]

    findings: reactive[tuple[Finding, ...]] = reactive((), always_update=True)
    view: reactive[RunView] = reactive(RunView())
    plan: reactive[Plan | None] = reactive(None)
    expected: reactive[Mapping[str, float]] = reactive(dict)
    account: reactive[Account | None] = reactive(None)
    tenants: reactive[tuple[Tenant, ...]] = reactive(())
    running: reactive[bool] = reactive(False)
    ran: reactive[Ran | None] = reactive(None)

    def __init__(
        self,
        backend: Backend,
        store: DraftStore,
        draft: Draft | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.pages = PAGES
        self.session = Session(store, draft or new())
        self.work = Work(backend, self.post_message)
        self.now = now
        self._started_with = draft

    # -- beginning and end

    def on_mount(self) -> None:
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        self.findings = self.session.findings
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            with contextlib.suppress(AttributeError, RuntimeError, ValueError, NotImplementedError):
                loop.add_signal_handler(getattr(signal, name), self.end, 130)
        self.push_screen(self.session.draft.page if self._started_with else "welcome")

    def end(self, code: int) -> None:
        """Keep the answers and end; what a cloud has begun goes on there."""
        self.keep()
        self.work.stop_all()
        self.exit(code)

    def keep(self) -> None:
        """Write the answers to their file, now."""
        try:
            self.session.keep()
        except OSError as error:
            self.notify(f"{error.strerror}: {error.filename}", title="Not kept", severity="warning")

    # -- answers

    def answer(self, changes: Mapping[str, Any]) -> None:
        """Take answers by their recipe paths (None takes one away), and examine them."""
        self.session.put(changes)
        self.findings = self.session.findings
        self.plan = None
        self.set_timer(KEEP_AFTER, self.keep)

    def take(self, draft: Draft, page: str) -> None:
        """Go on with another draft, at a page."""
        self.keep()
        self.session.take(draft)
        self.findings = self.session.findings
        self.plan = self.ran = self.account = None
        self.view = RunView()
        self.go(page)

    # -- pages

    def may_go(self, page: str) -> bool:
        return not BY_ID[page].after_start or bool(self.view.run)

    def go(self, page: str) -> None:
        """Show a page, if there is anything on it yet."""
        if isinstance(self.screen, ModalScreen):
            return
        if not self.may_go(page):
            self.notify("There is nothing to see before a run has started: see Review.")
            return
        self.session.at(page)
        self.set_timer(KEEP_AFTER, self.keep)
        self.switch_screen(page)

    def action_go(self, page: str) -> None:
        self.go(page)

    def step(self, by: int) -> None:
        """Go to the page after or before this one."""
        at = [page.id for page in PAGES].index(self.session.draft.page) + by
        if 0 <= at < len(PAGES):
            self.go(PAGES[at].id)

    def go_to_field(self, path: str) -> None:
        """Show the page of a field, with the cursor on it."""
        page = of_field(path)
        if page:
            self.go(page.id)
            screen: Any = self.get_screen(page.id)
            screen.focus_field(path)

    def start(self) -> None:
        """Bring the recipe about, and show how it goes."""
        recipe = self.session.recipe
        if recipe is None or self.running:
            return
        self.running, self.ran = True, None
        draft = self.session.draft
        name = draft.saved or recipe.names.prefix
        self.work.run(draft.target, recipe, name)

    # -- what workers report

    def on_run_event(self, message: said.RunEvent) -> None:
        self.view = self.view.apply(message.event)
        if isinstance(message.event, RunStarted):
            self.session.draft.run = message.event.run
            self.session.dirty = True
            self.keep()
            self.go("progress")

    def on_plan_made(self, message: said.PlanMade) -> None:
        if message.recipe == self.session.recipe:
            self.expected, self.plan = message.expected, message.plan

    def on_cloud_findings(self, message: said.CloudFindings) -> None:
        if message.recipe == self.session.reading.recipe:
            self.session.add(message.findings)
            self.findings = self.session.findings

    def on_signed_in(self, message: said.SignedIn) -> None:
        self.account = message.account

    def on_tenants_seen(self, message: said.TenantsSeen) -> None:
        self.tenants = message.tenants

    def on_run_ended(self, message: said.RunEnded) -> None:
        self.running, self.ran = False, message.ran

    def on_failed(self, message: said.Failed) -> None:
        error = message.error
        if message.doing == "run":
            self.running = False
        elif self.view.login:
            login = self._login_screen
            if login:
                login.fail(error.why or error.what, error.fix)
            self.view = replace(self.view, login=None)
        text = "\n".join(part for part in (error.why, error.fix) if part)
        self.notify(text, title=error.what, severity="error", timeout=12, markup=False)

    def watch_view(self, view: RunView) -> None:
        if view.login and not self._login_screen:
            can_agree = self.work.backend.plays_the_person
            self.push_screen(LoginScreen(view.login, can_agree, self.now))

    @property
    def _login_screen(self) -> LoginScreen | None:
        return next((s for s in self.screen_stack if isinstance(s, LoginScreen)), None)

    def on_login_screen_agree(self, message: LoginScreen.Agree) -> None:
        self.work.agree(message.user_code)
