"""The posture page over a platform that stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.platforms import Platform
from support.platforms import setting as changed
from support.tui_support import at_page, walking
from textual.app import App

from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.tui.widgets.step_tree import StepTree
from amlwizard.view import RunView

pytestmark = [pytest.mark.asyncio, pytest.mark.xdist_group("refusals")]


async def test_a_promise_turned_off_is_seen_on_the_screen(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built in a sandbox, the vault opened by somebody else, judged by the key."""
    monkeypatch.setenv("AMLWIZARD_SANDBOX", str(platform.sandbox.file))
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    unknown = platform.sandbox.unknown  # to others who had the platform before
    platform.put("key-vault", changed("properties.publicNetworkAccess", "Enabled"))
    with Application(Choice(attended=True)) as application:
        app = at_page("posture", RunView(), application)
        async with walking(app) as walk:
            await walk.see("26 promises")
            await walk.press("v")
            await walk.see("25 of 26 promises kept, 1 not kept, outside and inside")
            await walk.see("✗ Key vault: closed to the Internet  not kept")
            assert app.verified
            assert [line.id for line in app.verified.of("broken")] == ["key-vault.closed"]
            await walk.press("o")
            await walk.see(lambda: listed(walk.app) == ["key-vault.closed"])
            await walk.see("Azure     public network access: Enabled, not Disabled")
            platform.sandbox.control("state", platform.state, "PUT")
            await walk.press("v")
            await walk.see("✓ 26 of 26 promises kept, outside and inside")
    assert platform.sandbox.unknown == unknown


def listed(app: App[Any]) -> list[object]:
    """The promises that the page shows, by id, in order."""
    tree = app.screen.query_one(StepTree)
    return [leaf.data for area in tree.root.children for leaf in area.children]
