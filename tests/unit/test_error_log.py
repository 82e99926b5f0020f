"""An unexpected error leaves its traceback in one private file, and says where that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amlwizard import engine, error_log
from amlwizard.cli import main
from amlwizard.error_log import unexpected
from amlwizard.events import Event, StepFinished
from amlwizard.paths import state_folder
from amlwizard.plan import Step
from amlwizard.secret import Secret

CANARY = "canary-of-the-log-4711"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "amlwizard.log"


def boom(*given: Any, **more: Any) -> Any:
    raise IndexError(f"no item with {Secret(CANARY).reveal()}")


def test_a_bug_in_a_step_is_logged_with_its_traceback(log: Path) -> None:
    events: list[Event] = []
    step = Step("a", "A", "provision", (), lambda ctx: None, boom)
    nothing: Any = None  # the step looks at no recipe and at no cloud
    assert engine.run([step], engine.Job(nothing, "r", nothing, "nowhere"), events.append) == 1
    end = next(e for e in events if isinstance(e, StepFinished))
    assert str(log) in end.fix and CANARY not in end.what
    text = log.read_text()
    assert "Traceback" in text and "in boom" in text and "IndexError" in text
    assert CANARY not in text


def test_a_bug_while_a_plan_is_made_is_logged_by_the_command(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("amlwizard.cli._run", boom)
    assert main(["plan", "recipes/quickstart.yaml"]) == 1
    said = capsys.readouterr().err
    assert "IndexError" in said and str(log) in said.replace("\n", "")
    assert "Traceback" not in said and CANARY not in said
    assert "in boom" in log.read_text()


def test_tests_leave_the_log_of_whoever_runs_them_alone() -> None:
    assert not state_folder().is_relative_to(Path.home())


def test_the_log_is_for_its_owner_alone_and_does_not_grow(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_log, "LARGEST", 400)
    for number in range(6):
        unexpected(ValueError(f"number {number}"), "Try again.")
    files = sorted(path.name for path in log.parent.iterdir())
    assert files == ["amlwizard.log", "amlwizard.log.1"]
    assert "number 5" in log.read_text()
    assert {path.stat().st_mode & 0o777 for path in log.parent.iterdir()} == {0o600}
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_without_a_place_for_the_log_the_error_is_said_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path / "file"))
    error = unexpected(ValueError("oh"), "Try again.")
    assert (error.what, error.fix) == (
        "ValueError: oh",
        "Try again. If it happens again, report it.",
    )


def test_what_led_to_an_error_is_logged_too(log: Path, tmp_path: Path) -> None:
    def both() -> None:
        try:
            boom()
        except IndexError as cause:
            raise RuntimeError("and so") from cause

    with pytest.raises(RuntimeError) as raised:
        both()
    unexpected(raised.value, "Try again.")
    assert "IndexError" in log.read_text() and "RuntimeError: and so" in log.read_text()
