"""The wizard demonstrating itself, in the terminal that its recorder brings."""

from __future__ import annotations

import json
import re
import shutil
from itertools import chain, takewhile
from pathlib import Path
from typing import cast

import pytest
from support import RECIPES, Command
from support.breadth import breadth
from support.tui_support import GOLDEN
from support.walks import application
from textual.pilot import Pilot

from amlwizard.app.playback import Playback
from amlwizard.cli import main
from amlwizard.draft import DraftStore
from amlwizard.tui.demo.player import PACES, Caption, DemoApp, Pace, play
from amlwizard.tui.demo.script import THE_END, Say, built, from_nothing, on_screen, press, watched

ANYWHERE = ("235.114", "246.801", "163.685")


def screens_of(path: Path) -> list[str]:
    """Every screen of a cast, which is as the specification of asciicast v2 has it."""
    header, *events = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 120, 36)
    assert isinstance(header["timestamp"], int)
    times = [at for at, _, _ in events]
    assert times == sorted(times) and {kind for _, kind, _ in events} == {"o"}
    text = "".join(written for _, _, written in events)
    modes = set(re.findall(r"\x1b\[\?(\d+)[hl]", text))
    assert modes == {"25"}, "nothing but the cursor is switched: no mouse, no other screen"
    rows = [[" "] * 120 for _ in range(36)]
    return [_drawn(rows, written) for _, _, written in events]


def _drawn(rows: list[list[str]], written: str) -> str:
    """The screen after that, as a terminal has it."""
    line = column = 0
    for part in re.finditer(r"\x1b\[(\d+);(\d+)H|\x1b\[[?\d;]*[a-zA-Z]|\s$|(.)", written):
        if part[1]:
            line, column = int(part[1]) - 1, int(part[2]) - 1
        elif part[3]:
            rows[line][column] = part[3]
            column += 1
    return "\n".join("".join(row) for row in rows)


@pytest.mark.journey
@pytest.mark.breadth  # its beginning as below, its run as in test_three_ways, its end as recorded
def test_the_demo_walks_from_nothing_to_three_predictions(command: Command, tmp_path: Path) -> None:
    file = str(tmp_path / "demo.cast")
    ran = command("demo", "--pace", "fast", "--record", file, COLUMNS="80", LINES="24")
    assert ran.code == 0, ran.out + ran.err
    drawn = "\n".join(screens_of(tmp_path / "demo.cast"))
    for text in (*ANYWHERE, "SN-5", "One key applies the fix", THE_END):
        assert text in drawn


async def test_the_demo_begins_with_nothing_in_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it would build what it has planned."""
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    seen: list[str] = []

    class Watched(DemoApp):
        async def read(self, caption: str) -> None:
            await super().read(caption)
            seen.append(on_screen(self))

    acts = takewhile(lambda act: act != press("g"), chain(from_nothing("mldemo01"), built()))
    with application() as one:
        app = Watched(one, DraftStore(tmp_path / "s"), target="sandbox", pace=Pace(0, 0, 1))
        async with app.run_test(size=(80, 24)) as pilot:
            await play(acts, cast("Pilot[object]", pilot))
    assert app.return_code == 0 and app.plan and app.plan.target == "sandbox"
    drawn = " ".join("\n".join(seen).split())
    assert "SN-5" in drawn and "One key applies the fix" in drawn


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The known run, with its recipe beside it."""
    shutil.copy(RECIPES / "quickstart.yaml", tmp_path / "recipe.yaml")
    return Path(shutil.copy(GOLDEN, tmp_path / "journal.jsonl"))


def test_a_recorded_run_is_played_without_a_cloud(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faster than can be read, but every caption for some frames."""
    monkeypatch.setitem(PACES, "fast", Pace(0, 0.03, 0.5))
    file = journal.with_name("demo.cast")
    assert main(["demo", "--pace", "fast", "--journal", str(journal), "--record", str(file)]) == 0
    assert file.stat().st_size < 640_000
    assert re.search(rf"Wrote {file}, 0:\d\d, \d+ kB\.", capsys.readouterr().err)
    screens = screens_of(file)
    drawn = "\n".join(screens)
    assert all(text in drawn for text in (*ANYWHERE, "26 of 26 promises kept"))
    assert THE_END in screens[-1]


@pytest.mark.parametrize("size", [(80, 24), breadth((120, 36))])
async def test_captions_cover_nothing_and_the_run_has_its_own_time(
    journal: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    """However old the journal is: the golden one is."""
    playback = Playback.of(journal, 0.5)
    took = playback.events[-1].at - playback.events[0].at
    said: list[str] = []
    app: DemoApp

    class Watched(DemoApp):
        async def read(self, caption: str) -> None:
            await super().read(caption)
            [shown] = self.screen.query(Caption)
            said.append(caption)
            assert shown.region.bottom == size[1] and shown.region.height == 2
            assert len(caption) <= 2 * (size[0] - 4 - 10)
            [page] = self.screen.query("#page")
            assert not page.region.overlaps(shown.region)
            assert 0 <= self.now() - playback.events[0].at <= took

    store = DraftStore(tmp_path / "sessions")
    draft = playback.draft
    draft.page = "review"
    pace = Pace(0, 0, 0.5)
    app = Watched(playback, store, draft, target="sandbox", pace=pace, clock=playback.clock)
    async with app.run_test(size=size) as pilot:
        await play([press("g"), *watched()], cast("Pilot[object]", pilot))
    assert app.return_code == 0 and len(said) == 8


def test_every_caption_can_be_read() -> None:
    """At five words in a second, which is fast, and twice that for those who skim."""
    for act in [*from_nothing("abc"), *built()]:
        if isinstance(act, Say):
            words = len(act.text.split())
            assert PACES["slow"].of(act.text) > PACES["normal"].of(act.text) >= words / 5
            assert PACES["fast"].of(act.text) >= words / 10


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


def test_a_recording_waits_for_no_key(command: Command, tmp_path: Path) -> None:
    ran = command("demo", "--step", "--record", str(tmp_path / "x.cast"))
    assert ran.code == 2 and "waits for no key" in ran.err
    assert not (tmp_path / "x.cast").exists()
