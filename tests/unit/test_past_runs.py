"""The runs on this machine: listed with what became of them, and deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import Command
from support.tui_support import GOLDEN

from amlwizard.app.past_runs import forget, recorded_runs
from amlwizard.errors import InvalidInputError
from amlwizard.lease.holder import this_process

RUN = json.loads(GOLDEN.read_text(encoding="utf-8").splitlines()[0])["run"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    return tmp_path


def stored(home: Path, lines: int | None = None) -> Path:
    """The folder of the runs, with the recorded one, or with its first lines."""
    runs = home / "runs"
    (runs / RUN).mkdir(parents=True)
    text = GOLDEN.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
    (runs / RUN / "journal.jsonl").write_text("".join(text), encoding="utf-8")
    return runs


def test_a_run_that_ended_is_deleted(home: Path) -> None:
    runs = stored(home)
    assert [(run.run, run.end) for run in recorded_runs(runs, 9)] == [(RUN, "done")]
    forget(runs, RUN)
    assert not list(runs.iterdir())


def test_a_run_in_progress_names_its_process_and_stays(home: Path) -> None:
    runs = stored(home, 40)
    (home / "locks").mkdir()
    (home / "locks" / "sub-rg").write_text(str(this_process(RUN, "replay", "me", 60)))
    [run] = recorded_runs(runs, 9)
    assert run.end == "in progress" and run.holder.startswith("process ")
    with pytest.raises(InvalidInputError) as refused:
        forget(runs, RUN)
    assert "since" in refused.value.what and list(runs.iterdir())


@pytest.mark.parametrize("name", ["nothing", "..", f"../runs/{RUN}"])
def test_only_runs_are_deleted(home: Path, name: str) -> None:
    runs = stored(home)
    with pytest.raises(InvalidInputError):
        forget(runs, name)
    assert list(runs.iterdir())


def test_the_command_deletes_one_that_is_meant(command: Command, tmp_path: Path) -> None:
    runs = stored(tmp_path / "home")
    refused = command("runs", "--delete", RUN)
    assert refused.code == 2 and "--yes" in refused.err and list(runs.iterdir())
    assert command("runs", "--delete", RUN, "--yes").code == 0
    assert not list(runs.iterdir())
