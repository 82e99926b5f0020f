"""What the application knows about earlier runs, and how long it keeps a target open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as CancelEvent
from threading import Thread
from types import SimpleNamespace

import pytest
from support import recipe_of
from support.tui_support import GOLDEN, recorded

from amlwizard.app.application import Application
from amlwizard.app.port import TargetName
from amlwizard.app.targets import Choice
from amlwizard.errors import InvalidInputError, OperationCancelledError
from amlwizard.journal import NAME
from amlwizard.plan.outputs import TRAIN


def test_training_is_found_in_the_journal_of_the_run_that_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    for name in ("20260101", "20260103"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    shutil.copy(GOLDEN, tmp_path / "runs" / "20260101" / NAME)
    (tmp_path / "runs" / "20260103" / NAME).write_text("no journal\nat all\n")
    run = recorded().outputs(TRAIN.id)["run_id"]
    with Application(Choice()) as application:
        said = application.trained(run)
        assert tuple(said) == recorded().steps["train"].log
        assert not application.trained("another")


def test_a_request_goes_to_what_its_own_run_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many runs were looked at since."""
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    (tmp_path / "runs" / "20260101").mkdir(parents=True)
    shutil.copy(GOLDEN, tmp_path / "runs" / "20260101" / NAME)
    application = Application(Choice())
    application.recall("20260101", lambda event: None)
    with pytest.raises(InvalidInputError, match="Nothing is deployed"):
        application.score(recipe_of("quickstart"), "20260102", {}, CancelEvent())


def test_another_target_waits_until_no_call_uses_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What runs on a sandbox keeps it; who no longer wants the other one does not wait for it."""
    happened: list[str] = []

    @contextmanager
    def opened(name: TargetName, choice: Choice) -> Iterator[SimpleNamespace]:
        happened.append(f"{name} opened")
        yield SimpleNamespace(name=name, sandbox=None)
        happened.append(f"{name} ended")

    monkeypatch.setattr("amlwizard.app.application.opened", opened)
    with Application(Choice()) as application:
        never = CancelEvent()
        never.set()

        def build_on_azure() -> None:
            with application.using("azure"):
                happened.append("azure used")

        with application.using("sandbox"), application.using("sandbox"):
            other = Thread(target=build_on_azure)
            other.start()
            with pytest.raises(OperationCancelledError), application.using("azure", never):
                pass
            happened.append("sandbox used")
        other.join()
    assert happened == [
        "sandbox opened", "sandbox used", "sandbox ended", "azure opened", "azure used", "azure ended",
    ]  # fmt: skip


def test_closing_does_not_wait_for_ever_for_a_call_that_hangs() -> None:
    application = Application(Choice())
    with application.using("azure"):
        assert not application.close(patience=0)
    assert application.close(patience=0)
