"""The state that every screen sees, and the ways through it: answers, and pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App
from textual.reactive import reactive
from textual.screen import ModalScreen

from amlwizard import draft as drafts
from amlwizard.accounts import Account, Tenant
from amlwizard.backend import Backend, Ran, TargetName
from amlwizard.draft import Draft, DraftStore
from amlwizard.errors import Finding, InvalidInputError
from amlwizard.plan import Plan
from amlwizard.posture import Posture
from amlwizard.session import Session
from amlwizard.tui.form import FormPage
from amlwizard.tui.pages import BY_ID, PAGES, of_field
from amlwizard.tui.work import Work
from amlwizard.view import RunView

KEEP_AFTER = 0.3
WHO = {"sign_in.tenant", "sign_in.login", "sign_in.subscription"}


class Wizard(App[int]):
    """Screens watch its state (``self.watch(self.wizard, "findings", ...)``) and change none of it:
    they give answers and ask for pages. `draft` is where to begin, by default at the welcome;
    `target` the cloud that is meant there.

    `verified` is what was judged since the run, because somebody asked for it; `verifying` what
    such a judgement says meanwhile."""

    SCREENS = {page.id: page.make for page in PAGES}  # noqa: RUF012
    pages = PAGES

    findings: reactive[tuple[Finding, ...]] = reactive((), always_update=True)
    view: reactive[RunView] = reactive(RunView())
    plan: reactive[Plan | None] = reactive(None)
    expected: reactive[Mapping[str, float]] = reactive(dict)
    account: reactive[Account | None] = reactive(None)
    tenants: reactive[tuple[Tenant, ...]] = reactive(())
    busy: reactive[frozenset[str]] = reactive(frozenset())
    running: reactive[bool] = reactive(False)
    ran: reactive[Ran | None] = reactive(None)
    verified: reactive[Posture | None] = reactive(None)
    verifying: reactive[str] = reactive("")

    def __init__(
        self,
        backend: Backend,
        store: DraftStore,
        draft: Draft | None = None,
        target: TargetName | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.session = Session(store, draft or drafts.new())
        self.session.draft.target = target or self.session.draft.target
        self.work = Work(backend, self.post_message)
        self.now = now

    # -- answers

    def answer(self, changes: Mapping[str, Any]) -> None:
        """Take answers by their recipe paths (None takes one away), and examine them."""
        self.session.put(changes)
        if WHO.intersection(changes):
            self.account = None
        self.findings, self.plan = self.session.findings, None
        self.set_timer(KEEP_AFTER, self.keep)

    def keep(self) -> None:
        """Write the answers to their file, now."""
        try:
            self.session.keep()
        except OSError as error:
            self.notify(f"{error.strerror}: {error.filename}", title="Not kept", severity="warning")

    def take(self, draft: Draft, page: str) -> None:
        """Go on with another draft, at a page; its last run is recalled."""
        self.keep()
        self.work.stop("verify")
        self.session.take(draft)
        self.findings, self.view = self.session.findings, RunView()
        self.plan = self.ran = self.account = self.verified = None
        self.tenants = ()
        if draft.run:
            self.work.recall(draft.run)
        self.go(page)

    def draft_from(self, path: Path) -> Draft | None:
        """A draft with a recipe file's answers; None, and a word why, where it cannot be read."""
        try:
            return drafts.from_file(path)
        except InvalidInputError as error:
            text = "\n".join([error.why, *(f.what for f in error.findings), error.fix]).strip()
            self.notify(text, title=error.what, severity="error", timeout=12, markup=False)
            return None

    def aim(self, target: TargetName) -> None:
        """Build on another cloud."""
        if self.session.draft.target != target:
            self.session.aim(target)
            self.account = self.plan = None
            self.tenants = ()

    # -- pages

    def may_go(self, page: str) -> bool:
        """Whether there is anything on a page yet."""
        started = self.running or self.view.run or self.session.draft.run
        return not BY_ID[page].after_start or bool(started)

    def go(self, page: str) -> None:
        """Show a page, unless a question stands over the one that is shown."""
        if isinstance(self.screen, ModalScreen):
            return
        if not self.may_go(page):
            self.notify("There is nothing to see before a run has started: Review starts it.")
            return
        self.session.at(page)
        self.set_timer(KEEP_AFTER, self.keep)
        if self.screen is not self.get_screen(page):
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
            screen = self.get_screen(page.id)
            if isinstance(screen, FormPage):
                screen.focus_field(path)
