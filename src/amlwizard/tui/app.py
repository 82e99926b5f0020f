"""The app: what workers report becomes its state. It knows no cloud and no step; what it is given is
a backend, a folder for its sessions, and a clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

from amlwizard.errors import AmlwizardError, InvalidInputError
from amlwizard.events import LoginDone, LoginNeeded, RunStarted
from amlwizard.tui import helping, leaving, saving
from amlwizard.tui import messages as said
from amlwizard.tui.asking import Asking
from amlwizard.tui.collecting import Collecting
from amlwizard.tui.login import LoginScreen
from amlwizard.tui.page import WIDE
from amlwizard.tui.theme import DARK, LIGHT
from amlwizard.view import RunView

ASKING = frozenset({"sign-in", "plan", "preflight", "verify"})
"""What may ask a person to sign in, beside a run."""


class WizardApp(Asking):
    """Threads post messages; the handlers here are where state changes because of them."""

    TITLE = "amlwizard"
    CSS_PATH = "style.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "explain", "Help"),
        Binding("ctrl+s", "save", "Save recipe", show=False),
        Binding("ctrl+q", "leave", "Quit", priority=True),
        Binding("ctrl+o", "command_palette", "Commands", priority=True),
        Binding("ctrl+c", "leave", show=False, system=True),
    ]

    _again = False
    """Whether to start anew once the run that waits for a login has ended."""

    _unsigned = ""
    """What came to nothing for want of a login, where that was no run."""

    def on_load(self) -> None:
        self._collecting = Collecting()
        self._collecting.begin()

    def on_unmount(self) -> None:
        self._collecting.end()

    def on_mount(self) -> None:
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        leaving.catch_signals(self)
        self.findings = self.session.findings
        self.session.at(self.session.draft.page)
        self.push_screen(self.session.draft.page)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield from helping.commands(self)

    def wear(self, theme: Theme) -> None:
        """Change the colours."""
        self.theme = theme.name

    def action_save(self) -> None:
        saving.save(self)

    def action_leave(self) -> None:
        leaving.leave(self)

    def action_explain(self) -> None:
        helping.explain(self)

    # -- what workers report

    def on_busy(self, message: said.Busy) -> None:
        self.busy = message.kinds

    def on_run_event(self, message: said.RunEvent) -> None:
        event, over = message.event, self.view.exit_code is not None
        after = self.view.apply(event)
        # A login that something else asks for makes no run longer that is over.
        login = over and isinstance(event, LoginNeeded | LoginDone)
        self.view = replace(after, now=self.view.now) if login else after
        if isinstance(event, RunStarted) and self.session.draft.run != event.run:
            self.session.ran(event.run)
            self.keep()

    def on_plan_made(self, message: said.PlanMade) -> None:
        if message.recipe == self.session.recipe:
            self.expected, self.plan = message.expected, message.plan

    def on_cloud_findings(self, message: said.CloudFindings) -> None:
        if message.recipe == self.session.reading.recipe:
            self.session.add(message.findings)
            self.findings = self.session.findings

    def on_tenants_seen(self, message: said.TenantsSeen) -> None:
        self.tenants = message.tenants

    def on_signed_in(self, message: said.SignedIn) -> None:
        self.account, self.plan = message.account, None
        self.check_against_the_cloud()

    def on_run_ended(self, message: said.RunEnded) -> None:
        self.running, self.ran = False, message.ran
        if message.ran.exit_code == 0:
            self.session.finish()
        again, self._again = self._again, False
        if again:
            self.start()

    def on_recalled(self, message: said.Recalled) -> None:
        self.ran = message.ran

    def on_verifying(self, message: said.Verifying) -> None:
        self.verifying = message.text

    def on_verified(self, message: said.Verified) -> None:
        self.verified = message.posture

    def on_reported(self, message: said.Reported) -> None:
        self.notify(str(message.path), title="Report written", timeout=12, markup=False)

    def on_failed(self, message: said.Failed) -> None:
        if message.doing == "run":
            self.running = False
        elif self.view.login:
            self._unsigned = message.doing
            self._login_failed(message.error)
            return
        error = message.error
        if isinstance(error, InvalidInputError) and error.findings:
            self.session.add(error.findings)
            self.findings = self.session.findings
        text = "\n".join(part for part in (error.why, error.fix) if part)
        self.notify(text, title=error.what, severity="error", timeout=12, markup=False)

    # -- a login that waits for a person

    @property
    def login_screen(self) -> LoginScreen | None:
        return next((s for s in self.screen_stack if isinstance(s, LoginScreen)), None)

    def watch_view(self, view: RunView) -> None:
        if view.login and not self.login_screen:
            self._unsigned = ""
            can_agree = self.work.backend.plays_the_person
            self.push_screen(LoginScreen(view.login, can_agree, self.now))

    def _login_failed(self, error: AmlwizardError) -> None:
        if self.login_screen:
            self.login_screen.fail(error.why or error.what, error.fix)
        self.view = replace(self.view, login=None)

    def on_login_screen_agree(self, message: LoginScreen.Agree) -> None:
        self.work.agree(message.login)

    def on_login_screen_new_code(self, message: LoginScreen.NewCode) -> None:
        unsigned, self._unsigned = self._unsigned, ""
        if self.running:
            self._again = True
            self.work.control.stop()
        elif unsigned == "verify" or "verify" in self.busy:
            self.verify()
        elif unsigned or self.busy & ASKING or not self.view.run:
            self.sign_in()
        else:
            self.start()

    def on_login_screen_cancel(self, message: LoginScreen.Cancel) -> None:
        for kind in ASKING:
            self.work.stop(kind)
        if self.running:
            self.work.control.stop()
        self.view = replace(self.view, login=None)
