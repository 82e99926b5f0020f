"""The form: fed by fields, checked as one types."""

from __future__ import annotations

import pytest
from tui_support import FakeBackend, wizard

from amlwizard.tui.form import FormPage

pytestmark = pytest.mark.asyncio


async def test_names_follow_the_prefix_as_it_is_typed_and_findings_stand_below() -> None:
    app = wizard(FakeBackend())
    async with app.run_test(size=(80, 24)) as pilot:
        app.go("naming")
        await pilot.pause()
        await pilot.press(*"ab_x")
        await pilot.pause()
        page = app.screen
        assert isinstance(page, FormPage)
        registry = page.row("names.registry")
        assert registry and registry.editor.placeholder == "crab_x"  # type: ignore[union-attr]
        assert [f.rule for f in registry.findings] == ["NM-1"]
        assert app.session.draft.value("names.prefix") == "ab_x"
