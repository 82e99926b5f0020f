"""No way out of the wizard loses an answer, and none leaves a run without a word."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event as CancelEvent

import pytest
from support import PATIENCE, RECIPES, existing
from support.breadth import narrowed
from support.tui_support import FakeBackend, at_page, recorded, walking, wizard

from amlwizard import processes
from amlwizard.app.port import RecordedRun
from amlwizard.cli.commands.wizard import print_summary
from amlwizard.draft import Draft, DraftStore, from_file, new
from amlwizard.tui.dialogs.questions import Choose

pytestmark = pytest.mark.asyncio


def kept(folder: Path) -> list[Draft]:
    return DraftStore(folder).unfinished()


async def test_what_was_answered_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
        await walk.press("enter")
        await walk.go("naming")
        await walk.type("mine07")
        await walk.press("ctrl+c")
    assert walk.app.return_value == 0
    (draft,) = kept(tmp_path)
    assert (draft.value("names.prefix"), draft.page) == ("mine07", "naming")
    (file,) = tmp_path.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_the_next_one_offers_to_continue_where_one_was(tmp_path: Path) -> None:
    store = DraftStore(tmp_path)
    draft = new()
    draft.put("names.prefix", "mine07")
    draft.page, draft.target = "security", "azure"
    store.save(draft)
    async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
        await walk.see("Continue mine07")
        await walk.press("enter")
        await walk.see("How the platform is closed off")
        again = walk.app.session.draft
        assert (again.id, again.answers, again.target) == (draft.id, draft.answers, "azure")


async def test_a_session_in_which_nothing_was_answered_leaves_no_file(tmp_path: Path) -> None:
    async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
        await walk.press("enter", "ctrl+n", "ctrl+n", "ctrl+p", "ctrl+q")
    assert not list(tmp_path.iterdir())


async def test_a_new_session_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    for prefix in ("one", "two"):
        async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
            await walk.see("New recipe")
            if prefix == "two":
                await walk.press("down")  # what can be continued is lit first
            await walk.press("enter")
            await walk.go("naming")
            await walk.type(prefix)
            await walk.press("ctrl+q")
    assert {draft.value("names.prefix") for draft in kept(tmp_path)} == {"one", "two"}


async def test_what_this_version_cannot_read_is_passed_over(tmp_path: Path) -> None:
    for number, text in enumerate(("{", "[]", '{"version": 99}', '{"version": 1, "x": 1}', "\xff")):
        (tmp_path / f"{number}.json").write_bytes(text.encode("latin-1"))
    assert kept(tmp_path) == []


async def test_answers_of_a_file_are_kept_right_or_wrong(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("names: {prefix: 3, modle: x}\naddresses: 7\nnonsense: {a: 2024-01-01}\n")
    draft = from_file(file)
    DraftStore(tmp_path).save(draft)
    (again,) = kept(tmp_path)
    given = {key: value for key, value in again.answers["names"].items() if value}
    assert given == {"prefix": "3", "modle": "x"}  # a number where a text belongs is that text
    assert again.answers["addresses"] == 7
    async with walking(wizard(FakeBackend(), again, tmp_path)) as walk:
        await walk.go("naming")
        await walk.see("Did you mean model?")
        draft = walk.app.session.draft
        await walk.press("ctrl+r")  # of the field first
        await walk.see(lambda: draft.value("names.prefix") == "aml3")
        await walk.press("ctrl+r")  # then of the page
        await walk.see(lambda: draft.value("names.modle") is None)


@pytest.mark.parametrize("way", ["leave", "cancel", "stay"])
async def test_leaving_while_a_run_is_under_way_asks(tmp_path: Path, way: str) -> None:
    backend = FakeBackend(gate=CancelEvent())
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page = "review"
    async with walking(wizard(backend, draft, tmp_path)) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: "sign-in" in walk.app.view.steps)
        await walk.press("ctrl+q")
        await walk.see(lambda: isinstance(walk.app.screen, Choose))
        assert "resume the run" in walk.text
        await walk.press(*["down"] * ["leave", "cancel", "stay"].index(way), "enter")
        if way == "leave":
            await walk.pilot.pause()
        elif way == "cancel":
            await walk.see("cancelled")
            assert walk.app.is_running
        else:
            existing(backend.gate).set()
            await walk.see(lambda: walk.app.ran)
            assert walk.app.ran and walk.app.ran.exit_code == 0
    if way == "leave":
        assert walk.app.return_value == 0
        (draft,) = kept(tmp_path)
        assert draft.run == "run-1"
        async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
            await walk.see("a run was started")
            await walk.press("enter")
            await walk.see(lambda: walk.app.view.run == "run-1")


ENDS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("end", narrowed(ENDS, signal.SIGHUP))
async def test_a_closed_terminal_loses_no_answer(tmp_path: Path, end: signal.Signals) -> None:
    """On a real terminal, as a process of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "amlwizard"], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, cwd=tmp_path,
        env={**os.environ, "AMLWIZARD_HOME": str(tmp_path), "TERM": "xterm-256color",
             "COLUMNS": "80", "LINES": "24"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""

    def until(text: bytes) -> None:
        nonlocal seen
        while text not in seen:
            seen += os.read(ours, 65536)
        seen = b""

    try:
        until(b"New recipe")
        os.write(ours, b"\r")
        until(b"organizations")
        os.write(ours, b"\x0e")
        until(b"everything is called")
        os.write(ours, b"closed01")
        until(b"crclosed01")
        process.send_signal(end)
        if end is signal.SIGHUP:
            os.close(ours)
        else:
            with pytest.raises(OSError):
                while os.read(ours, 65536):
                    pass
        assert process.wait(PATIENCE) == 130
    finally:
        process.kill()
        process.wait()
    (draft,) = kept(tmp_path / "sessions")
    assert draft.value("names.prefix") == "closed01"


async def test_leaving_tells_what_stands_where_and_how_to_go_on() -> None:
    app = at_page("finish", recorded())
    async with walking(app) as walk:
        await walk.press("ctrl+q")
    out = io.StringIO()
    print_summary(app, out)
    told = out.getvalue()
    assert "Recipe    " in told and "Endpoint  http://" in told
    for step in app.next_steps:
        assert all(f"  {command}\n" in told for command in step.commands)


async def test_leaving_before_a_run_tells_that_the_answers_are_kept(tmp_path: Path) -> None:
    app, out = wizard(FakeBackend(), folder=tmp_path), io.StringIO()
    async with walking(app) as walk:
        await walk.press("enter")
        await walk.go("naming")
        await walk.type("mine07")
        await walk.press("ctrl+q")
    print_summary(app, out)
    assert out.getvalue() == "Your answers are kept: amlwizard offers to continue.\n"


# -- sessions and runs on Welcome


def stored(folder: Path, prefix: str, owner: str = "") -> Draft:
    """A session as another process left it; `owner` is one that still has it open."""
    draft = new()
    draft.put("names.prefix", prefix)
    DraftStore(folder).save(draft)
    file = folder / f"{draft.id}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "owner": owner}))
    return draft


async def test_sessions_of_one_name_are_told_apart_by_their_time(tmp_path: Path) -> None:
    for _ in range(2):
        stored(tmp_path, "twin")
    async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
        await walk.see("Continue twin")
        lines = [line for line in walk.text.splitlines() if "Continue twin" in line]
        assert len(lines) == 2 and all(re.search(r"\d\d:\d\d:\d\d", line) for line in lines)


async def test_a_session_is_deleted_once_that_is_confirmed(tmp_path: Path) -> None:
    stored(tmp_path, "old")
    async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
        await walk.see("Continue old")
        await walk.press("d")
        await walk.see("The answers of old are deleted")
        await walk.press("enter")  # on "Keep"
        assert kept(tmp_path)
        await walk.press("d", "up", "enter")
        await walk.see(lambda: "Continue old" not in walk.text)
    assert not kept(tmp_path)


async def test_a_session_that_another_process_has_open_is_continued_as_a_copy(
    tmp_path: Path,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        here = processes.current()
        owner = replace(here, pid=other.pid, started=processes._started(other.pid))
        draft = stored(tmp_path, "shared", str(owner))
        async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
            await walk.see(f"open in process {other.pid}")
            await walk.press("enter")
            await walk.see("This is a copy")
            assert walk.app.session.draft.id != draft.id
            assert walk.app.session.draft.value("names.prefix") == "shared"
        other.kill()


RUN = RecordedRun("20261127-100000-abcdef", "old.yaml", "azure", 0, "done")


async def test_a_finished_run_is_opened_again_with_what_it_ended_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / RUN.run
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_bytes((RECIPES / "quickstart.yaml").read_bytes())
    async with walking(wizard(FakeBackend(runs=(RUN,)), folder=tmp_path), (120, 36)) as walk:
        await walk.see("Run of old.yaml")
        await walk.press("end", "enter")
        await walk.see(lambda: walk.app.view.run == RUN.run)
        draft = walk.app.session.draft
        assert (walk.page, draft.target, draft.saved) == ("finish", "azure", "")
        assert draft.value("names.prefix") == "mlquick01"


async def test_the_record_of_a_run_is_deleted_once_that_is_confirmed(tmp_path: Path) -> None:
    async with walking(wizard(FakeBackend(runs=(RUN,)), folder=tmp_path), (120, 36)) as walk:
        await walk.see("Run of old.yaml")
        await walk.press("end", "d")
        await walk.see("What it has built stays.")
        await walk.press("up", "enter")
        await walk.see(lambda: "Run of old.yaml" not in walk.text)
