"""The device login: a code that the user enters in a browser, on top of any screen.

The code is a secret until it is used: it is drawn here and copied to the clipboard, and goes
nowhere else.
"""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import urlsplit

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from amlwizard.events import LoginNeeded
from amlwizard.language import _
from amlwizard.time_format import clock
from amlwizard.tui.dialogs.dialog import Dialog, described
from amlwizard.tui.widgets import large_text
from amlwizard.view import RunView

QR_ROOM = (104, 22)
"""With fewer columns or lines, a key switches between the large letters and the QR code."""
SCAN_ROOM = (76, 23)
"""Columns and lines that the QR code and the text beside it need."""
CELLS, FEW_CELLS = 40, 22

ABOUT = _(
    "Azure wants to know who you are. Open the address in a browser, on this or any other "
    "device, and enter the code there. This dialog closes once you have signed in. The "
    "code is valid only for the time shown."
)
CHOICES = (
    ("o", _("Opens the address in a browser on this machine.")),
    ("c", _("Copies the code to the clipboard again.")),
    ("n", _("Asks for a new code: the old one stops working.")),
    ("q", _("Shows the address as a QR code, to open it on a phone.")),
    ("a", _("Signs in as the sandbox's test user, without a browser.")),
    ("esc", _("Cancels the sign-in, and the action that needs it.")),
)
APPROVES = _("The sandbox can approve this sign-in for you: press a.")
LOOPBACK = ("127.0.0.1", "::1", "localhost")

STYLE = """
LoginScreen { align: center middle; }
LoginScreen > #login {
    width: auto; max-width: 100%; height: auto; max-height: 100%;
    padding: 1 2; border: round $primary; background: $surface;
}
LoginScreen.over > #login { border: round $error; }
LoginScreen #beside { width: auto; height: auto; }
LoginScreen #said { width: 56; height: auto; }
LoginScreen #code { width: auto; height: 4; margin: 1 0; color: $text-primary; text-style: bold; }
LoginScreen.over #code { color: $foreground; text-style: dim; }
LoginScreen #qr { display: none; width: auto; height: auto; margin-left: 3; color: black; background: white; }
LoginScreen.roomy #qr, LoginScreen.scan #qr { display: block; }
LoginScreen.roomy #scan, LoginScreen.scan #code { display: none; }
LoginScreen.scan #said, LoginScreen.scan #where, LoginScreen.scan #left { width: 34; }
LoginScreen.scan #left { margin-top: 1; }
LoginScreen #where, LoginScreen #left { width: 56; height: auto; }
LoginScreen #keys { width: auto; height: 1; margin-top: 1; }
LoginScreen #keys Button { min-width: 6; margin-right: 2; }
LoginScreen.tight #said, LoginScreen.tight #where, LoginScreen.tight #left { width: 54; }
LoginScreen.tight #keys Button { min-width: 4; margin-right: 0; }
"""


class LoginScreen(Dialog[None]):
    """Shows a pending login, follows its run, and closes itself once it is done.

    `can_approve` is whether the target can approve the login on the user's behalf. `now` returns
    the time, in seconds since the epoch. Requests of the user are posted to the app as messages.
    """

    class Approved(Message):
        """The user approves this login in the sandbox: a code, or an address for a browser."""

        def __init__(self, login: str) -> None:
            super().__init__()
            self.login = login

    class NewCode(Message):
        """Start the login of this step again."""

        def __init__(self, step: str) -> None:
            super().__init__()
            self.step = step

    class Cancel(Message):
        """Cancel the login of this step."""

        def __init__(self, step: str) -> None:
            super().__init__()
            self.step = step

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open", _("Open browser")),
        Binding("c", "copy", _("Copy code")),
        Binding("n", "new", _("New code")),
        Binding("q", "scan", _("QR code")),
        Binding("a", "agree", _("Agree (sandbox)")),
        Binding("escape", "cancel", _("Cancel")),
    ]
    DEFAULT_CSS = STYLE

    def __init__(
        self, event: LoginNeeded, can_approve: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self.login, self.can_approve, self.now = event, can_approve, now
        self.ended: tuple[str, str] | None = None
        self._over_with = False

    def compose(self) -> ComposeResult:
        with Vertical(id="login"):
            with Horizontal(id="beside"):
                with Vertical(id="said"):
                    yield Static(id="where")
                    yield Static(id="code")
                    yield Static(id="left")
                yield Static(id="qr")
            with Horizontal(id="keys"):
                for action, label in self._offers():
                    yield Button(label, id=action, compact=True)

    def _offers(self) -> list[tuple[str, str]]:
        offers = [
            ("open", _("[u]o[/u]pen")), ("copy", _("[u]c[/u]opy")),
            ("new", _("[u]n[/u]ew code")), ("scan", _("[u]q[/u]r")),
        ]  # fmt: skip
        if self.can_approve:
            offers.append(("agree", _("[u]a[/u]gree")))
        return [*offers, ("cancel", _("[u]esc[/u] cancel"))]

    def on_mount(self) -> None:
        self.query_one("#login").border_title = _("Sign in")
        self._show()
        self.set_interval(1, self._count)
        if hasattr(self.app, "view"):
            self.watch(self.app, "view", self.follow)

    def on_resize(self) -> None:
        width, height = self.app.size
        roomy = width >= QR_ROOM[0] and height >= QR_ROOM[1]
        self.set_class(roomy, "roomy")
        self.set_class(width < SCAN_ROOM[0], "tight")
        if roomy or not self._may_scan:
            self.remove_class("scan")

    @property
    def _may_scan(self) -> bool:
        return self.app.size.width >= SCAN_ROOM[0] and self.app.size.height >= SCAN_ROOM[1]

    def explained(self) -> tuple[str, Content]:
        offered = [choice for choice in CHOICES if choice[0] != "a" or self.can_approve]
        return _("Sign in"), described(ABOUT, offered)

    # -- what happens

    def follow(self, view: RunView) -> None:
        """Follow a run: its login has a new code, has succeeded, or has failed."""
        step = view.steps.get(self.login.step)
        if step is not None and step.finished < self.login.at:
            step = None  # from a run that had ended before this login was requested
        if view.login is self.login:
            return
        if view.login is not None and view.login.step == self.login.step:
            self.renew(view.login)
        elif step is not None and step.state == "failed" and step.end is not None:
            self.fail(step.end.why or step.end.what, step.end.fix)
        elif self.ended is None or (step is not None and step.state in ("done", "kept")):
            self.done()

    def renew(self, event: LoginNeeded) -> None:
        """Show a new code for the same login."""
        self.login, self.ended, self._over_with = event, None, False
        self._show()

    def fail(self, why: str, fix: str = "") -> None:
        """The login failed; the user may ask for a new code."""
        self.ended = (why, fix)
        self._count()

    def done(self) -> None:
        """The login is over: close now, or once no other dialog is on top."""
        self._over_with = True
        if self.is_current:
            self.dismiss()

    def on_screen_resume(self) -> None:
        if self._over_with:
            self.call_later(self.done)

    # -- drawing

    def _show(self) -> None:
        where = _invitation(self.login)
        if self.can_approve:
            where = Content.assemble((APPROVES, "bold"), "\n", where)
        self.query_one("#where", Static).update(where)
        self.query_one("#code", Static).update(Content(large_text.letters(self.login.user_code)))
        # A browser login redirects to this machine, so a QR code for another device is of use only
        # with a device code.
        drawn = large_text.qr(self.login.url) if self.login.user_code else ""
        self.query_one("#qr", Static).update(Content(drawn))
        self._copy()
        self._count()

    def _count(self) -> None:
        left = max(0, round(self.login.expires_at - self.now()))
        over = self.ended is not None or left == 0
        self.set_class(over, "over")
        self.query_one("#left", Static).update(self._over() if over else self._remaining(left))

    def _over(self) -> Content:
        why, fix = self.ended or (_("The device code expired before it was entered."), "")
        cost = _("Nothing is lost. Press n for a new code.")
        return Content.assemble((why, "$text-error bold"), f"\n{fix}" if fix else "", f"\n{cost}")

    def _remaining(self, left: int) -> Content:
        began = self.login.at or self.login.expires_at - 900
        share = left / max(1.0, self.login.expires_at - began)
        cells = FEW_CELLS if self.has_class("scan") else CELLS
        full = min(cells, max(1, round(share * cells)))
        return Content.assemble(
            ("━" * full, "$primary"),
            ("─" * (cells - full), "dim"),
            _(" {time} left", time=clock(left)),
            "\n",
            (self._copied(), "dim"),
        )

    def _copied(self) -> str:
        if self.login.user_code:
            return _("{code}  sent to the clipboard", code=" ".join(self.login.user_code))
        return _("address  sent to the clipboard")

    # -- keys

    def _copy(self) -> None:
        self.app.copy_to_clipboard(self.login.user_code or self.login.url)

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        await self.run_action(event.button.id or "")

    def action_copy(self) -> None:
        self._copy()
        code, address = (
            _("The code is sent to the clipboard."),
            _("The address is sent to the clipboard."),
        )
        self.notify(code if self.login.user_code else address, timeout=2)

    def action_new(self) -> None:
        self.post_message(self.NewCode(self.login.step))

    def action_scan(self) -> None:
        """Toggle between the QR code and the large letters if there is no room for both."""
        if not self._may_scan:
            columns, lines = SCAN_ROOM
            text = _(
                "The QR code needs a terminal of {columns} columns and {lines} lines.",
                columns=columns,
                lines=lines,
            )
            self.notify(text, severity="warning")
        elif not self.has_class("roomy"):
            self.toggle_class("scan")
            self._count()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.can_approve if action == "agree" else True

    def action_agree(self) -> None:
        self.post_message(self.Approved(self.login.user_code or self.login.url))

    def action_cancel(self) -> None:
        self.post_message(self.Cancel(self.login.step))
        self.dismiss()

    def action_open(self) -> None:
        self._open(self.login.url)

    @work(thread=True, exit_on_error=False)
    def _open(self, url: str) -> None:
        """In a worker, because opening a browser may take a while. Browsers that draw on this
        terminal are not used."""
        try:
            browser = webbrowser.get()
            opened = type(browser) is not webbrowser.GenericBrowser and browser.open(url)
        except webbrowser.Error:
            opened = False
        if not opened:
            text = _elsewhere(url, self.can_approve)
            self.app.call_from_thread(self.notify, text, severity="warning")


def _elsewhere(url: str, can_approve: bool) -> str:
    """What to do where no browser is found. A page of this machine is no use to others."""
    if can_approve:
        return _("There is no browser here. {approves}", approves=APPROVES)
    if urlsplit(url).hostname in LOOPBACK:
        return _("There is no browser here. Open {url} in a browser on this machine.", url=url)
    return _("There is no browser here. Open {url} on any device.", url=url)


def _invitation(login: LoginNeeded) -> Content:
    """What to do in the browser, and for which step, unless it is the sign-in itself."""
    url, host, step = login.url, login.url.split("/")[2], login.step
    if not login.user_code and step == "sign-in":
        return Content(
            _("Continue in the browser ({host}).\nIf no window opened, press o.", host=host)
        )
    if not login.user_code:
        return Content(
            _(
                "Continue in the browser ({host})\nfor the step {step}.\nIf no window opened, press o.",
                host=host,
                step=step,
            )
        )
    text = (
        _("Open {url}\nand enter", url=url)
        if step == "sign-in"
        else _("Open {url}\nand enter\nfor the step {step}", url=url, step=step)
    )
    at = text.index(url)
    return Content(text).stylize("bold underline", at, at + len(url))
