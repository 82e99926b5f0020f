"""The form: fed by fields, checked as one types."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui_support import FakeBackend, walking, wizard

from amlwizard.tui.form import FormPage

pytestmark = pytest.mark.asyncio


async def test_names_follow_the_prefix_as_it_is_typed_and_findings_stand_below(
    tmp_path: Path,
) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app) as walk:
        app.go("naming")
        await walk.see("everything is called")
        await walk.type("ab_x")
        await walk.see("gives names that Azure refuses")
        page = app.screen
        assert isinstance(page, FormPage)
        registry = page.row("names.registry")
        assert registry and registry.editor.placeholder == "crab_x"  # type: ignore[union-attr]
        assert [f.rule for f in registry.findings] == ["NM-1"]
        assert app.session.draft.value("names.prefix") == "ab_x"
