"""The way through the wizard by keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.tui.dialogs.login import LoginScreen
from amlwizard.tui.pages.form import FormPage
from support import existing, forking
from support.blocking import unblocked
from support.tui_support import Walk, page_of, walking, wizard

OVERLAPPING = ("addresses.compute", "addresses.scoring")
PREDICTIONS = ("235.114", "246.801", "163.685")


@contextmanager
def application() -> Iterator[Application]:
    """The sandbox that it starts is forked."""
    choice = Choice(clock="instant", approve=False, attended=True)
    with forking.stood_in_for(), Application(choice) as one:
        yield one


async def choose_login(walk: Walk, login: str) -> None:
    await walk.see(lambda: walk.page == "sign-in")
    await on_row(walk, "sign_in.login")
    while walk.app.session.draft.value("sign_in.login") != login:
        await walk.press("right")


async def on_row(walk: Walk, path: str) -> None:
    """Go down to a question of a form."""
    page = page_of(walk.app, FormPage)
    while existing(page.focused_row).spec.path != path:
        await walk.press("down")


async def sign_in(walk: Walk) -> None:
    """By the key, and as the person who agrees."""
    await walk.press("ctrl+l")
    await walk.see(lambda: isinstance(walk.app.screen, LoginScreen))
    await walk.press("a")
    await walk.see("engineer@sandbox.example")


async def overlap_and_cure(walk: Walk) -> None:
    """On the Addresses page: a range that another one has, lit and explained; and its cure."""
    await walk.see("VNET 10.100.0.0/16")
    await on_row(walk, "addresses.compute")
    await walk.press("end", "ctrl+u")
    await walk.type("10.100.120.0/24")
    await walk.see("CO╳SC share 256")
    await walk.see(
        lambda: walk.text.count("✗ 10.100.120.0/24 (Scoring subnet)") == 2
    )  # both fields
    await walk.press("f1")
    await walk.see("Found now")
    await walk.see("SN-5")
    await walk.press("escape")
    await walk.press("ctrl+r")
    await walk.see(lambda: "╳" not in walk.text and not walk.app.session.errors)


async def to_review(walk: Walk) -> None:
    while walk.page != "review":
        here = walk.page
        await walk.press("ctrl+n")
        await walk.see(lambda: walk.page != here)  # noqa: B023
    await walk.see("compared with the sandbox")


async def to_finish(walk: Walk) -> None:
    while walk.page != "finish":
        here = walk.page
        await walk.press("ctrl+n")
        await walk.see(lambda: walk.page != here)  # noqa: B023
    await walk.see("stands on sandbox")


async def from_nothing_to_three_predictions(prefix: str, login: str, sessions: Path) -> None:
    """In the embedded sandbox, and saved in the working directory; while steps run somebody types, and
    nothing holds what is typed."""
    with application() as one:
        async with walking(wizard(one, folder=sessions)) as walk:
            with unblocked(one):
                await walk.see("New recipe")
                await walk.press("enter")
                await choose_login(walk, login)
                await sign_in(walk)
                await walk.press("ctrl+n")
                await walk.see("What everything is called")
                await walk.type(prefix)
                await walk.see(f"cr{prefix}")
                await walk.press("ctrl+n")
                before = {path: walk.app.session.draft.value(path) for path in OVERLAPPING}
                await overlap_and_cure(walk)
                walk.app.answer(before)  # what is built is what the questions suggest
                await to_review(walk)
                await walk.press("s")
                await walk.see("Save the recipe")
                await walk.press("enter")
                await walk.see("Recipe saved")
                await walk.press("g")
                await walk.see(lambda: walk.app.view.counts().get("running"))
                await walk.press("ctrl+s")
                await walk.see("Save the recipe")
                await walk.type("typed-while-it-runs")
                await walk.see("typed-while-it-runs")
                await walk.press("escape")
                await walk.see(lambda: walk.app.ran)
                await to_finish(walk)
                assert all(number in walk.text for number in PREDICTIONS)
                [replay] = walk.app.next_steps[0].commands  # long paths push it below the screen
                assert f"replay recipes/{prefix}.yaml --target sandbox" in replay
        assert walk.app.ran and walk.app.ran.exit_code == 0
