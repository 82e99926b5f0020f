"""What pilots share: an app over a small backend that answers at once, and waiting on messages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from support import RECIPES
from textual.pilot import Pilot

from amlwizard.draft import Draft, DraftStore, from_raw
from amlwizard.journal import read
from amlwizard.tui.app import WizardApp
from amlwizard.view import RunView

GOLDEN = Path(__file__).parent / "golden" / "quickstart.jsonl"


class FakeBackend:
    """A backend for screens whose logic needs no cloud."""

    plays_the_person = False

    def open(self, target: str) -> None: ...

    def close(self) -> None: ...


def wizard(backend: Any, draft: Draft | None = None, folder: Path | None = None) -> WizardApp:
    return WizardApp(backend, DraftStore(folder or Path(tempfile.mkdtemp())), draft)


def recorded(seconds: float = 1e9) -> RunView:
    """The recorded run of quickstart as it stood so many seconds after its start."""
    view = RunView()
    for event in read(GOLDEN):
        if view.started and event.at - view.started > seconds:
            break
        view = view.apply(event)
    return view


def at_page(page: str, view: RunView, backend: Any = None) -> WizardApp:
    """The app at a page, with quickstart answered and a run that stands so."""
    draft = from_raw(yaml.safe_load((RECIPES / "quickstart.yaml").read_text()))
    draft.page = page
    app = wizard(backend or FakeBackend(), draft)
    app.view = view
    return app


async def until(pilot: Pilot[Any], seen: Callable[[], Any]) -> None:
    """Wait for what is to be seen; fail after 10 seconds."""
    for _ in range(500):
        if seen():
            return
        await pilot.pause(0.02)
    raise AssertionError("it was not to be seen")
