"""What pilots share: an app over a small backend that answers at once, and waiting on messages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from amlwizard.tui.app import WizardApp
from amlwizard.tui.draft import Draft, DraftStore


class FakeBackend:
    """A backend for screens whose logic needs no cloud."""

    plays_the_person = False

    def open(self, target: str) -> None: ...

    def close(self) -> None: ...


def wizard(backend: Any, draft: Draft | None = None, folder: Path | None = None) -> WizardApp:
    return WizardApp(backend, DraftStore(folder or Path(tempfile.mkdtemp())), draft)
