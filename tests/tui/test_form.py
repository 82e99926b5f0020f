"""The form: fed by fields, checked as one types."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.tui_support import FakeBackend, Walk, walking, wizard
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
