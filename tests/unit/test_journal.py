"""Events, their record, and the view that is reduced from them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from amlwizard.errors import InvalidInputError
from amlwizard.events import (
    Attachment,
    Event,
    LoginDone,
    LoginNeeded,
    RunFinished,
    RunStarted,
    StepFinished,
    StepInfo,
    StepProgress,
    StepStarted,
    from_json,
)
from amlwizard.journal import Journal, read
from amlwizard.view import RunView

A, B = StepInfo("a", "A", "provision"), StepInfo("b", "B", "train", ("a",))
EVENTS: list[Event] = [
    RunStarted(seq=1, at=100, run="r1", recipe="x.yaml", target="sandbox", steps=(A, B)),
    StepStarted(seq=2, at=101, step="a", action="create"),
    LoginNeeded(seq=3, at=102, step="a", url="https://x", user_code="SECRET-9", expires_at=900),
    LoginDone(seq=4, at=103, step="a", account="me"),
    StepProgress(seq=5, at=104, step="a", message="half", data={"rows": [1, 2]}),
    StepFinished(seq=6, at=105, step="a", outcome="failed", what="no", code="Refused"),
    StepFinished(seq=7, at=106, step="b", outcome="blocked", because="a"),
    RunFinished(seq=8, at=107, exit_code=1, counts={"failed": 1, "blocked": 1}),
]


def written(path: Path) -> Path:
    journal = Journal(path)
    for event in EVENTS:
        journal(event)
    journal.close()
    return path


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.kind)
def test_json_and_back(event: Event) -> None:
    again = from_json(event.to_json())
    assert again.to_json() == event.to_json()
    if not isinstance(event, LoginNeeded):
        assert again == event


def test_a_device_code_is_in_no_record(tmp_path: Path) -> None:
    path = written(tmp_path / "j.jsonl")
    assert "SECRET-9" not in path.read_text()
    assert "SECRET-9" not in repr(EVENTS[2])


def test_a_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(written(tmp_path / "j.jsonl").stat().st_mode) == 0o600


def test_what_is_attached_becomes_a_file_beside_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run" / "j.jsonl")
    for content in (b"old and longer", b"\x89PNG"):
        picture = Attachment("../picture.png", content)
        journal(StepProgress(step="a", message="drawn", data={"picture": picture, "mse": 3}))
    journal.close()
    saved = tmp_path / "run" / "picture.png"
    assert saved.read_bytes() == b"\x89PNG" and stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert not (tmp_path / "picture.png").exists()
    event = list(read(journal.path))[-1]
    assert isinstance(event, StepProgress)
    assert event.data == {"picture": {"file": "picture.png"}, "mse": 3}
    assert "PNG" not in repr(picture)


def test_a_cut_last_line_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "j.jsonl")
    path.write_text(path.read_text()[:-20])
    assert [e.seq for e in read(path)] == list(range(1, 8))


def test_a_broken_line_elsewhere_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "j.jsonl")
    lines = path.read_text().splitlines()
    lines[2] = '{"kind": "party"}'
    path.write_text("\n".join(lines))
    with pytest.raises(InvalidInputError, match="Line 3"):
        list(read(path))


def test_a_journal_gives_the_view_that_the_run_gave(tmp_path: Path) -> None:
    live = recorded = RunView()
    for event in EVENTS:
        live = live.apply(event)
    for event in read(written(tmp_path / "j.jsonl")):
        recorded = recorded.apply(event)
    assert recorded == live
    assert live.steps["a"].seconds == 4 and live.steps["b"].state == "blocked"
    assert (
        live.exit_code == 1 and live.login is None and live.counts() == {"failed": 1, "blocked": 1}
    )
