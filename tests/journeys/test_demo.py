"""The wizard demonstrating itself, in the terminal that its recorder brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import RECIPES, Command
from support.tui_support import GOLDEN

ANYWHERE = ("235.114", "246.801", "163.685")


def cast(path: Path) -> tuple[dict[str, Any], str]:
    """The header of a cast, and all that was drawn; every line is as asciinema wants it."""
    header, *lines = (json.loads(line) for line in path.read_text().splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 120, 36)
    times = [at for at, _, _ in lines]
    assert times == sorted(times) and {kind for _, kind, _ in lines} == {"o"}
    return header, "".join(text for _, _, text in lines)


@pytest.mark.journey
def test_it_walks_from_nothing_to_three_predictions(command: Command, tmp_path: Path) -> None:
    file = str(tmp_path / "demo.cast")
    ran = command("demo", "--pace", "fast", "--record", file, COLUMNS="80", LINES="24")
    assert ran.code == 0, ran.out + ran.err
    drawn = cast(tmp_path / "demo.cast")[1]
    for text in (*ANYWHERE, "SN-5", "Free plan"):
        assert text in drawn


def test_a_recorded_run_is_played_without_a_cloud(command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "journal.jsonl").write_text(GOLDEN.read_text())
    (run / "recipe.yaml").write_text((RECIPES / "quickstart.yaml").read_text())
    file = tmp_path / "demo.cast"
    journal = str(run / "journal.jsonl")
    ran = command("demo", "--pace", "fast", "--journal", journal, "--record", str(file))
    assert ran.code == 0, ran.out + ran.err
    drawn = cast(file)[1]
    assert all(text in drawn for text in (*ANYWHERE, "26 of 26 promises kept"))


def test_without_a_terminal_it_says_how(command: Command) -> None:
    ran = command("demo")
    assert ran.code == 2 and "--record" in ran.err


def test_a_recipe_and_a_journal_are_one_too_many(command: Command) -> None:
    ran = command("demo", str(RECIPES / "quickstart.yaml"), "--journal", "x.jsonl")
    assert ran.code == 2 and "not both" in ran.err


def test_what_cannot_be_played_is_said_before_a_recording_begins(
    command: Command, tmp_path: Path
) -> None:
    file, alone = tmp_path / "x.cast", tmp_path / "journal.jsonl"
    alone.write_text(GOLDEN.read_text())
    ran = command("demo", "--journal", str(alone), "--record", str(file))
    assert ran.code == 2 and not file.exists()
    assert f"{tmp_path / 'recipe.yaml'}" in ran.err and "beside the journal" in ran.err
    ran = command("demo", str(tmp_path / "no.yaml"), "--record", str(file))
    assert ran.code == 2 and not file.exists()
    assert "no.yaml" in ran.err
