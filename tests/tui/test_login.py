"""The device login: what it shows, how it ends, and that its code goes nowhere else."""

from __future__ import annotations

import webbrowser
from dataclasses import replace

import pytest
from support.tui_support import until
from textual import on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.reactive import var
from textual.widgets import Input, Static

from amlwizard.events import Event, LoginDone, LoginNeeded, RunStarted, StepFinished, StepInfo
from amlwizard.tui.dialogs.login import LoginScreen
from amlwizard.tui.widgets import large_text
from amlwizard.view import RunView

CODE = "BGQ58DZWK"
URL = "https://microsoft.com/devicelogin"
NEEDED = LoginNeeded(at=1000, step="sign-in", url=URL, user_code=CODE, expires_at=1900)
STARTED = RunStarted(
    at=990, run="r", recipe="x", target="sandbox", steps=(StepInfo("sign-in", "Sign in", "sign-in"),)
)  # fmt: skip


class Host(App[None]):
    """An app with a run that waits for a login."""

    view: var[RunView] = var(RunView())

    def __init__(self, event: LoginNeeded = NEEDED, can_approve: bool = False) -> None:
        super().__init__()
        self.view = RunView().apply(STARTED).apply(event)
        self.time = 1000.0
        self.asked: list[Message] = []
        self.login = LoginScreen(event, can_approve, lambda: self.time)

    def compose(self) -> ComposeResult:
        yield Input()

    def on_mount(self) -> None:
        self.push_screen(self.login)

    @on(LoginScreen.Approved)
    @on(LoginScreen.NewCode)
    @on(LoginScreen.Cancel)
    def _asked(self, message: Message) -> None:
        self.asked.append(message)

    def happen(self, event: Event) -> None:
        self.view = self.view.apply(event)

    @property
    def agreed(self) -> str:
        """The login of the first message, which agrees to it."""
        first = self.asked[0]
        assert isinstance(first, LoginScreen.Approved)
        return first.login

    def text(self, selector: str) -> str:
        return str(self.login.query_one(selector, Static).content)


def test_the_letters_of_a_code_are_told_apart() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    pictures = {character: large_text.letters(character) for character in alphabet}
    assert len(set(pictures.values())) == len(alphabet)
    assert all([len(line) for line in p.split("\n")] == [5] * 4 for p in pictures.values())
    assert len(large_text.letters(CODE).split("\n")[0]) == 9 * 6 - 1


def test_the_qr_code_is_drawn_whole() -> None:
    import segno

    drawn = large_text.qr(URL).split("\n")
    pixels = [[c in "▀█" for c in line] for line in drawn], [[c in "▄█" for c in line] for line in drawn]  # fmt: skip
    rows = [row for pair in zip(*pixels, strict=True) for row in pair]
    wanted = segno.make(URL, error="l", micro=False, boost_error=False).matrix_iter(border=2)
    for row, want in zip(rows, wanted, strict=False):
        assert row == [bool(cell) for cell in want]


@pytest.mark.parametrize(("size", "roomy"), [((80, 24), False), ((120, 36), True)])
async def test_the_login_shows_the_whole_code(size: tuple[int, int], roomy: bool) -> None:
    app = Host()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert URL in app.text("#where") and large_text.letters(CODE) == app.text("#code")
        assert " ".join(CODE) in app.text("#left") and "15:00 left" in app.text("#left")
        assert app.login.query_one("#qr").display is roomy
        for part in app.login.query("#login, #code, #keys Button, #left"):
            if part.display:
                assert app.login.region.contains_region(part.region), part
        assert app.clipboard == CODE


@pytest.mark.parametrize("can_approve", [False, True])
async def test_where_there_is_no_room_a_key_shows_the_qr_code(can_approve: bool) -> None:
    """In the place of the big letters; the code can still be read."""
    app = Host(can_approve=can_approve)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await pilot.pause()
        qr, code = app.login.query_one("#qr"), app.login.query_one("#code")
        assert qr.display and not code.display
        assert " ".join(CODE) in app.text("#left")
        for part in app.login.query("#login, #qr, #where, #left, #keys Button"):
            assert app.login.region.contains_region(part.region), part
            assert part.region.size == part.outer_size, "it is shown whole"
        await pilot.press("q")
        await pilot.pause()
        assert code.display and not qr.display


async def test_on_a_small_terminal_every_key_is_shown_and_no_half_of_a_qr_code() -> None:
    app = Host(can_approve=True)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert app.login.query_one("#code").display and not app.login.query_one("#qr").display
        room = app.login.query_one("#login").content_region
        for part in app.login.query("#code, #left, #keys Button"):
            if part.display:
                assert room.contains_region(part.region), part
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert not app.login.query_one("#qr").display


async def test_the_time_that_is_left_is_told_by_the_clock_it_was_given() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.time = 1868
        await until(pilot, lambda: "0:32 left" in app.text("#left"))
        app.time = 1901
        await until(pilot, lambda: "expired" in app.text("#left"))
        assert "Press n for a new code" in app.text("#left")


async def test_the_login_closes_itself_once_signed_in() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.screen is app.login
        app.happen(LoginDone(at=1010, step="sign-in", account="me"))
        await pilot.pause()
        assert app.screen is not app.login


async def test_an_expired_code_costs_nothing_but_a_new_one() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.pause()
        why = "The device code expired before anybody entered it."
        app.happen(StepFinished(at=1900, step="sign-in", outcome="failed", what="no", why=why))
        await pilot.pause()
        assert app.screen is app.login and why in app.text("#left")
        await pilot.press("n")
        assert [type(m) for m in app.asked] == [LoginScreen.NewCode]
        app.happen(STARTED)
        await pilot.pause()
        assert app.screen is app.login, "it waits for the new code"
        app.time = 2000
        app.happen(replace(NEEDED, user_code="ZZZ222XXX", at=2000, expires_at=2900))
        await pilot.pause()
        assert app.text("#code") == large_text.letters("ZZZ222XXX") and app.clipboard == "ZZZ222XXX"
        assert "15:00 left" in app.text("#left")


async def test_keys() -> None:
    app = Host(can_approve=True)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("a", "n", "escape")
        await pilot.pause()
        kinds = [type(message) for message in app.asked]
        assert kinds == [LoginScreen.Approved, LoginScreen.NewCode, LoginScreen.Cancel]
        assert app.agreed == CODE and app.screen is not app.login


async def test_nobody_agrees_for_the_person_on_azure() -> None:
    app = Host(can_approve=False)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("a")
        assert not app.asked and not app.login.query("#agree")


async def test_a_login_of_a_notebook_names_its_step() -> None:
    app = Host(replace(NEEDED, step="train"))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "train" in app.text("#where")


async def test_the_mouse_does_what_keys_do() -> None:
    app = Host(can_approve=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click("#agree")
        await pilot.pause()
        assert [type(m) for m in app.asked] == [LoginScreen.Approved]


@pytest.mark.parametrize("browser", [True, False])
async def test_opening_a_browser_is_said_where_there_is_none(
    browser: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    class Known:
        def open(self, url: str) -> bool:
            opened.append(url)
            return browser

    monkeypatch.setattr("webbrowser.get", lambda: Known())
    app = Host()
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("o")
        await until(pilot, lambda: opened and (browser or list(app._notifications)))
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert opened == [URL]
        assert bool(list(app._notifications)) is not browser


@pytest.mark.parametrize(
    ("url", "can_approve", "said"),
    [
        (URL, False, "on any device"),
        ("https://127.0.0.1:40453/device", False, "in a browser on this machine"),
        ("https://127.0.0.1:40453/device", True, "press a"),
    ],
)
async def test_without_a_browser_it_says_where_the_page_can_be_opened(
    url: str, can_approve: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise webbrowser.Error

    monkeypatch.setattr("webbrowser.get", none)
    app = Host(replace(NEEDED, url=url), can_approve)
    async with app.run_test() as pilot:
        await pilot.press("o")
        await until(pilot, lambda: list(app._notifications))
        [told] = app._notifications
        assert said in told.message and "No browser" not in told.message
        assert ("press a" in app.text("#where")) == can_approve


def test_the_code_is_in_no_text_form_of_what_is_passed_on() -> None:
    for thing in (LoginScreen.Approved(CODE), LoginScreen(NEEDED), NEEDED):
        assert CODE not in repr(thing)


async def test_a_browser_needs_no_code() -> None:
    """What it opens can be opened, copied and agreed to again; no other device can come back here."""
    url = "https://login.example/tenant/oauth2/v2.0/authorize?state=s&code_challenge=c"
    app = Host(replace(NEEDED, url=url, user_code=""), can_approve=True)
    async with app.run_test(size=(120, 50)) as pilot:
        await pilot.pause()
        assert "Continue in the browser (login.example)" in app.text("#where")
        assert app.text("#code") == "" and app.text("#qr") == ""
        assert "code_challenge" not in app.text("#where")
        await pilot.press("a")
        await pilot.pause()
        assert app.agreed == url
