"""The whole way through the wizard, by keys alone, on a real application over a real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import RECIPES, Sandbox, existing
from support.blocking import unblocked
from support.tui_support import Walk, page_of, walking, wizard

from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.draft import from_file
from amlwizard.tui.dialogs.login import LoginScreen
from amlwizard.tui.pages.form import FormPage

pytestmark = [pytest.mark.asyncio, pytest.mark.journey]

PREDICTIONS = ("235.114", "246.801", "163.685")


@contextmanager
def application() -> Iterator[Application]:
    with Application(Choice(clock="instant", approve=False, attended=True)) as one:
        yield one


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing was kept yet; the sandbox agrees to no sign-in by itself."""
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cloud(sandbox: Callable[..., Sandbox], home: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    one = sandbox("--clock", "instant")
    one.control("approval", {"approve": False})
    monkeypatch.setenv("AMLWIZARD_SANDBOX", str(one.file))
    return one


async def sign_in(walk: Walk) -> None:
    """By the key, and as the person who agrees."""
    await walk.press("ctrl+l")
    await walk.see(lambda: isinstance(walk.app.screen, LoginScreen))
    await walk.press("a")
    await walk.see("engineer@sandbox.example")


async def overlap_and_cure(walk: Walk) -> None:
    """On the Addresses page: a range that another one has, lit and explained; and its cure."""
    await walk.see("VNET 10.100.0.0/16")
    page = page_of(walk.app, FormPage)
    while existing(page.focused_row).spec.path != "addresses.compute":
        await walk.press("down")
    await walk.press("end", "ctrl+u")
    await walk.type("10.100.120.0/24")
    await walk.see("CO╳SC share 256")
    await walk.see(lambda: walk.text.count("✗ 10.100.120.0/24 (scoring)") == 2)  # both fields
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
    await walk.see("as sandbox stands")


async def to_finish(walk: Walk) -> None:
    while walk.page != "finish":
        here = walk.page
        await walk.press("ctrl+n")
        await walk.see(lambda: walk.page != here)  # noqa: B023
    await walk.see("stands on sandbox")


async def test_from_nothing_to_three_predictions_by_keys_alone(home: Path) -> None:
    """In the embedded sandbox; while steps run somebody types, and nothing holds what is typed."""
    with application() as one:
        async with walking(wizard(one, folder=home)) as walk:
            with unblocked(one):
                await walk.see("New recipe")
                await walk.press("enter")
                await sign_in(walk)
                await walk.press("ctrl+n")
                await walk.see("What everything is called")
                await walk.type("mlwalk01")
                await walk.see("crmlwalk01")
                await walk.press("ctrl+n")
                await overlap_and_cure(walk)
                await to_review(walk)
                await walk.press("s")
                await walk.see("Save the recipe")
                await walk.press("enter")
                await walk.see("Recipe saved")
                await walk.press("g")
                await walk.see(lambda: walk.app.view.counts().get("running"))
                await walk.press("ctrl+s")
                await walk.see("Save the recipe")
                await walk.type("and-a-name-typed-while-it-runs")
                await walk.see("and-a-name-typed-while-it-runs")
                await walk.press("escape")
                await walk.see(lambda: walk.app.ran)
                await to_finish(walk)
                assert all(number in walk.text for number in PREDICTIONS)
                await walk.press("end")  # long paths push it below the screen
                await walk.see("amlwizard replay recipes/mlwalk01.yaml")
        assert walk.app.ran and walk.app.ran.exit_code == 0
    assert not list(home.glob("*.json")), "what is done is not offered again"


async def test_a_sign_in_whose_first_code_expired(cloud: Sandbox, home: Path) -> None:
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page = "sign-in"
    cloud.control("code-life", {"seconds": 1})
    with application() as one:
        async with walking(wizard(one, draft, home), (120, 36)) as walk:
            await walk.see("Who signs in")
            await walk.press("ctrl+l")
            await walk.see("Nothing is lost")
            cloud.control("code-life", {"seconds": 900})
            await walk.press("n")
            await walk.see(lambda: not walk.app.screen.has_class("over"))
            await walk.press("a")
            await walk.see("engineer@sandbox.example")
            await to_review(walk)


async def test_an_article_whose_deployment_fails_is_left_continued_and_retried(
    cloud: Sandbox, home: Path
) -> None:
    """The app ends between failure and retry; the next one offers to continue."""
    cloud.fault(
        r"PUT .*/deployments/[^/]+", times=1, status=400, code="BadArgument",
        message="The container crashed.",
    )  # fmt: skip
    draft = from_file(RECIPES / "article.yaml")
    draft.page = "review"
    with application() as one:
        async with walking(wizard(one, draft, home)) as walk:
            await walk.see("no cloud read")
            await walk.press("g")
            await walk.see(lambda: isinstance(walk.app.screen, LoginScreen))
            await walk.press("a")
            await walk.see(lambda: walk.app.ran)
            await walk.see("The container crashed.")
            failed = walk.app.view
            assert failed.steps["deployment"].state == "failed"
            assert failed.steps["score"].state == "blocked"
            await walk.press("ctrl+q")
        assert walk.app.return_value == 1
    with application() as one:
        async with walking(wizard(one, folder=home)) as walk:
            await walk.see("Continue article2020")
            await walk.press("down", "enter")
            await walk.see("The container crashed.")
            await walk.press("r")
            await walk.see(lambda: isinstance(walk.app.screen, LoginScreen))
            await walk.press("a")
            await walk.see(lambda: walk.app.ran and walk.app.ran.exit_code == 0)
            retried = walk.app.view
            assert retried.steps["deployment"].state == "done"
            assert retried.steps["aks"].state == retried.steps["train"].state == "kept"
            await to_finish(walk)
            assert all(number in walk.text for number in PREDICTIONS)
