"""Screens show what came from a cloud or a file, and obey none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from support import RECIPES
from support.breadth import breadth
from support.hostile import HOSTILE, infected, journal, obeyed
from support.tui_support import (
    FakeBackend,
    Walk,
    at_page,
    judged,
    opened,
    recorded,
    walking,
    wizard,
)
from textual.screen import ModalScreen
from textual.widgets import OptionList

from amlwizard.accounts import Subscription, Tenant
from amlwizard.draft import from_file
from amlwizard.errors import CloudError, Finding
from amlwizard.events import LoginNeeded, RunFinished, StepFinished
from amlwizard.posture import Posture
from amlwizard.tui.pages.registry import PAGES
from amlwizard.view import RunView

pytestmark = pytest.mark.asyncio
BROAD = (140, 50)
POSTURE = Posture.from_json(infected(opened(judged(recorded())).to_json()))


def is_text(walk: Walk) -> bool:
    """Whether the screen and its picture hold text alone."""
    picture = walk.app.export_screenshot()
    assert "<script" not in picture
    return not obeyed(walk.text) + obeyed(unescape(picture))


def ran(outcome: str = "done") -> RunView:
    """The recorded run as of its end, or of a failure."""
    view = RunView()
    for event in journal():
        if outcome == "failed" and isinstance(event, StepFinished) and event.step == "deployment":
            event = replace(event, outcome="failed", what=HOSTILE, why=HOSTILE, fix=HOSTILE)
        view = view.apply(event)
    return view.apply(RunFinished(at=view.now, exit_code=int(outcome == "failed"), counts={}))


class Hostile(FakeBackend):
    """A cloud all of whose names are hostile."""

    def accounts(self, *_: object) -> list[Tenant]:
        seen = tuple(Subscription(str(n), HOSTILE, "Enabled", "t") for n in range(2))
        return [Tenant("t", HOSTILE, HOSTILE, seen, HOSTILE)]

    def preflight(self, *_: object, **__: object) -> list[Finding]:
        return [Finding("TAKEN", "error", ("names.registry",), HOSTILE, HOSTILE, HOSTILE)]


SHOWING = ("progress", "score", "finish")  # pages that show how the run came out
ELSEWHERE = tuple(spec.id for spec in PAGES if spec.id not in ("welcome", *SHOWING))


@pytest.mark.parametrize(
    ("pages", "outcome"),
    [(SHOWING, "done"), ((*SHOWING, *ELSEWHERE), "failed"), breadth(ELSEWHERE, "done")],
    ids=["done", "failed", "elsewhere"],
)
async def test_no_page_obeys_the_cloud(pages: Sequence[str], outcome: str) -> None:
    app = at_page(pages[0], ran(outcome), Hostile())
    app.expected = {"vnet": 1.0}
    async with walking(app, BROAD) as walk:
        for page in pages:
            await walk.go(page)
            assert is_text(walk), page
            for key in ("down", "enter", "t", "f1"):
                await walk.press(key)
                await walk.pilot.pause()
                assert is_text(walk), (page, key)
            while isinstance(app.screen, ModalScreen):
                await walk.press("escape")
                await walk.pilot.pause()


async def test_the_posture_and_its_proof_are_text() -> None:
    app = at_page("posture", ran(), Hostile(verdict=POSTURE))
    async with walking(app, BROAD) as walk:
        await walk.press("v")
        await walk.pilot.pause()
        await walk.press("down", "down")
        await walk.pilot.pause()
        assert is_text(walk)


async def test_a_sign_in_is_text() -> None:
    asked = LoginNeeded(at=1, step="sign-in", url=f"https://x/{HOSTILE}", user_code=HOSTILE, expires_at=900)  # fmt: skip
    app = at_page("sign-in", recorded(0.0), Hostile())
    async with walking(app, BROAD) as walk:
        app.view = app.view.apply(asked)
        await walk.pilot.pause()
        assert is_text(walk)


async def test_a_toast_is_text() -> None:
    app = at_page("review", recorded(0.0), Hostile())
    async with walking(app, BROAD) as walk:
        app.call_failed("plan", CloudError(HOSTILE, why=HOSTILE, fix=HOSTILE))
        await walk.pilot.pause()
        assert is_text(walk) and "[b]" in walk.text


async def test_a_file_of_any_name_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is shown as text, and the file is opened by its own name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    name = HOSTILE.replace("\0", "").replace("/", "") + ".yaml"
    (tmp_path / "recipes" / name).write_text((RECIPES / "quickstart.yaml").read_text())
    app = wizard(FakeBackend(), folder=tmp_path / "kept")
    async with walking(app, BROAD) as walk:
        assert is_text(walk) and "[b]" in walk.text
        ways = app.screen.query_one("#ways", OptionList)
        ways.highlighted = next(
            n for n in range(ways.option_count) if str(ways.get_option_at_index(n).id).startswith("recipe:")
        )  # fmt: skip
        await walk.press("enter")
        await walk.pilot.pause()
        assert app.session.draft.value("names.prefix") == from_file(RECIPES / "quickstart.yaml").value("names.prefix")  # fmt: skip
        assert is_text(walk)
