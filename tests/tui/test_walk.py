"""Ways through the wizard that do not go straight, by keys alone, on a real application over a real
sandbox. The straight one is in `test_three_ways`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import RECIPES, Sandbox
from support.tui_support import walking, wizard
from support.walks import PREDICTIONS, application, to_finish

from amlwizard.draft import from_file
from amlwizard.tui.dialogs.login import LoginScreen

pytestmark = [pytest.mark.asyncio, pytest.mark.journey]


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
            await walk.go("review")
            await walk.see("compared with the sandbox")


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
            await walk.see("not compared with the cloud yet")
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
            await walk.press("enter")
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
