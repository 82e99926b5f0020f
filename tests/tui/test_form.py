"""The form: fed by fields, checked as one types."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from support import ROOT
from support.tui_support import FakeBackend, Walk, page_of, walking, wizard
from support.walks import on_row
from textual.events import Key
from textual.widgets import Input

from amlwizard.errors import Finding
from amlwizard.tui.pages.form import FormPage

pytestmark = pytest.mark.asyncio


def editor(walk: Walk, path: str) -> Input:
    page = walk.app.screen
    assert isinstance(page, FormPage)
    row = page.row(path)
    assert row and isinstance(row.editor, Input)
    return row.editor


async def test_names_follow_the_prefix_as_it_is_typed_and_findings_stand_below(
    tmp_path: Path,
) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app) as walk:
        app.go("naming")
        await walk.see("everything is called")
        await walk.type("ab_x")
        await walk.see("gives names that Azure refuses")
        await walk.see("crab_x")
        page = app.screen
        assert isinstance(page, FormPage)
        registry = page.row("names.registry")
        assert registry and [f.rule for f in registry.findings] == ["NM-1"]
        assert app.session.draft.value("names.prefix") == "ab_x"


async def test_every_character_is_taken_in_order_while_rows_come_and_the_cloud_answers(
    tmp_path: Path,
) -> None:
    """Somebody types faster than the page fills, and what others find meanwhile redraws it."""
    app = wizard(FakeBackend(), folder=tmp_path)
    text = "abcdefghijklmnopqrstuvwxyz0123456789"
    async with walking(app) as walk:
        app.go("naming")
        await walk.see(lambda: isinstance(app.screen, FormPage) and app.screen.focused_row)
        assert app._driver
        for n, character in enumerate(text):
            app._driver.send_message(Key(character, character))
            for _ in range(n % 9):  # from the key's arrival at the app to its effect on the answers
                await asyncio.sleep(0)
            found = Finding("TAKEN", "error", ("names.registry",), f"Taken {n}.")
            app.call_later(app.cloud_findings, app.session.reading.recipe, [found])
        await walk.see(text)
        await walk.pilot.pause()
        assert app.session.draft.value("names.prefix") == editor(walk, "names.prefix").value == text
        assert editor(walk, "names.registry").placeholder == f"cr{text}"


async def test_arrow_keys_move_between_fields_of_a_page_that_is_longer_than_the_screen(
    tmp_path: Path,
) -> None:
    async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
        await walk.go("naming")
        page = page_of(walk.app, FormPage)
        paths = [row.spec.path for row in page.rows][:3]
        for path in paths:
            assert page.focused_row and page.focused_row.spec.path == path
            await walk.press("down")
        await walk.press("up")
        assert page.focused_row and page.focused_row.spec.path == paths[-1]


async def test_a_notebook_is_picked_and_its_parameters_are_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "notebooks" / "classifier.py", folder)
    (folder / "broken.ipynb").write_text("{}")
    (folder / "data.csv").write_text("a")
    app = wizard(FakeBackend(), folder=tmp_path / "home")
    async with walking(app) as walk:
        await walk.go("training")
        await on_row(walk, "training.notebook")
        await walk.see("Load the diabetes data")
        await walk.press("right")
        await walk.see("A training notebook")
        await walk.press("enter")
        await walk.see("classifier.py")
        assert "data.csv" not in walk.text
        await walk.press("enter")
        await walk.see("✗ broken.ipynb is no notebook of Jupyter")
        await walk.press("shift+tab")
        await walk.type("none.py")
        await walk.press("enter")
        await walk.see("There is no file")
        await walk.press("tab", "down", "enter")
        await walk.see("● notebooks/classifier.py")
        await walk.see("1 People who answer  line 7")
        await on_row(walk, "training.parameters.trees")
        await walk.type("25")
        await walk.see(lambda: app.session.draft.value("training.parameters") == {"trees": 25})
        await walk.press("up", "left")
        await walk.see("● the example")
        await walk.see("alpha")
        assert app.session.draft.value("training.notebook") is None
        await walk.press("right")
        await walk.see("● notebooks/classifier.py")


async def test_what_is_wrong_with_a_notebook_stands_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("x = 1\ndef broken(:\n")
    app = wizard(FakeBackend(), folder=tmp_path / "home")
    async with walking(app) as walk:
        await walk.go("training")
        app.answer(app.session.choose_notebook("own.py"))
        await walk.see("own.py, cell 1, line 2")
        assert isinstance(app.screen, FormPage)
        row = app.screen.row("training.notebook")
        assert row and [finding.rule for finding in row.findings] == ["NB-1"]
