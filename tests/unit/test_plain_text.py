"""What came from a cloud or a file is shown, and obeyed by nothing that shows it."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import pytest
from rich.console import Console
from support import existing, recipe_of
from support.hostile import HOSTILE, SCRIPT, infected, journal, obeyed
from support.tui_support import FakeBackend, judged, opened, recorded

from amlwizard import console, errors
from amlwizard.accounts import Account, Subscription, Tenant
from amlwizard.draft import DraftStore, from_raw
from amlwizard.errors import AmlwizardError, CloudError, Finding, InvalidInputError, SignInError
from amlwizard.events import Attachment, Event, StepFinished, StepProgress
from amlwizard.journal import Journal, read
from amlwizard.payloads import ScoringResponse
from amlwizard.plain_text import plain
from amlwizard.plan import PlannedStep
from amlwizard.posture import Posture
from amlwizard.report import page
from amlwizard.report.record import RunRecord
from amlwizard.view import RunView

FINDING = Finding("SG-1", "error", ("names.prefix",), HOSTILE, HOSTILE, HOSTILE, cure={HOSTILE: [HOSTILE]}, command=HOSTILE)  # fmt: skip
STEP = PlannedStep("vnet", HOSTILE, "provision", (), "create", (HOSTILE,), note=HOSTILE)


def everything_of(value: object) -> str:
    """All that a value holds, as one text."""
    return str(value if isinstance(value, str | Exception) else vars_of(value))


def vars_of(value: object) -> list[str]:
    return [str(getattr(value, name)) for name in value.__dataclass_fields__]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value",
    [
        *journal(),
        FINDING,
        STEP,
        Tenant(HOSTILE, HOSTILE, HOSTILE, (Subscription(HOSTILE, HOSTILE, HOSTILE, HOSTILE),), HOSTILE),
        Account(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        ScoringResponse({HOSTILE: HOSTILE}, 200, [HOSTILE], 0.0, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        Posture.from_json(infected(opened(judged(recorded())).to_json())),
        Attachment(HOSTILE, b""),
        *(kind(HOSTILE, why=HOSTILE, fix=HOSTILE) for kind in (AmlwizardError, CloudError, SignInError)),
        CloudError("", code=HOSTILE),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_that_is_shown_holds_text_alone(value: object) -> None:
    raw = "\x1b\x07\x9b\x7f\x00\u2028\u202e\u2066"
    assert not set(raw) & set(everything_of(value)), value


def test_an_error_is_plain_also_where_more_is_added_to_it() -> None:
    error = errors.StepError("It broke.")
    error.why = HOSTILE
    assert obeyed(str(error)) == []


def test_all_that_is_no_text_is_replaced_and_nothing_else() -> None:
    for number in range(sys.maxunicode + 1):
        letter = chr(number)
        kind, order = unicodedata.category(letter), unicodedata.bidirectional(letter)
        moves = kind in ("Cc", "Cs", "Zl", "Zp") and letter not in "\t\n\r"
        turns = order in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        shown = "\n" if letter == "\r" else "\ufffd" if moves or turns else letter
        assert plain(letter) == shown, hex(number)
    assert plain("a\r\nb\rc\n\td") == "a\nb\nc\n\td"


# -- the plain front end


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def lines(events: list[Event], out: TextIO) -> None:
    show = console.Lines(out)
    for event in events:
        show(event)


def table(events: list[Event], out: TextIO) -> None:
    """As on a terminal: a frame for the first event of every form."""
    show = console.LiveTable(Console(file=out, force_terminal=True, width=200, height=60))
    forms = set()
    for event in events:
        show(event)
        said = event.to_json()
        form = (event.kind, said.get("action"), said.get("outcome"), *said.get("data", ()))
        if form not in forms:
            show.live.refresh()
        forms.add(form)


def as_json(events: list[Event], out: TextIO) -> None:
    show = console.json_lines(out)
    for event in events:
        show(event)


def prompt(events: list[Event], out: TextIO) -> None:
    show = console.login_prompt()
    with redirect_stderr(out):
        for event in events:
            show(event)


@pytest.mark.parametrize("front_end", [lines, table, as_json, prompt])
def test_a_run_is_shown_as_text(front_end: Callable[[list[Event], TextIO], None]) -> None:
    out = Terminal()
    front_end(journal(), out)
    assert obeyed(out.getvalue()) == []
    assert "[b]" in out.getvalue() or front_end is prompt


def test_no_message_passes_for_a_line_of_ours() -> None:
    """A line of the log begins with its seconds, whatever a cloud's message holds."""
    out = StringIO()
    events = [*journal()[:1], StepFinished(step="vnet", outcome="failed", what="a\nrun finished")]
    lines(events, out)
    assert "run finished" not in [line[9:] for line in out.getvalue().splitlines()]


def shown(write: Callable[[Console], object]) -> str:
    out = Terminal()
    write(console.output(out))
    return out.getvalue()


def view() -> RunView:
    seen = RunView()
    for event in journal():
        seen = seen.apply(event)
    broke = StepFinished(step="vnet", outcome="failed", what=HOSTILE, why=HOSTILE, fix=HOSTILE,
                         outputs={"findings": [FINDING.to_json()]})  # fmt: skip
    return seen.apply(broke)


PLAN = FakeBackend().outline(recipe_of("quickstart")).__class__("sandbox", (STEP,))
POSTURE = Posture.from_json(infected(opened(judged(recorded())).to_json()))


@pytest.mark.parametrize(
    "write",
    [
        lambda out: console.report(view(), {"Journal": HOSTILE}, out),
        lambda out: console.report_teardown(view(), {"Journal": HOSTILE}, out),
        lambda out: console.show_plan(PLAN, out),
        lambda out: console.show_findings([FINDING], out),
        lambda out: console.show_error(CloudError(HOSTILE, why=HOSTILE, fix=HOSTILE), out),
        lambda out: console.show_error(InvalidInputError(HOSTILE, findings=[FINDING]), out),
        lambda out: console.show_posture(POSTURE, out),
    ],
)
def test_what_is_printed_is_text(write: Callable[[Console], object]) -> None:
    written = shown(write)
    assert obeyed(written) == []
    assert "[b]" in written


# -- files


def test_a_journal_is_text_and_reads_back(tmp_path: Path) -> None:
    """Each event on a line of its own, whoever splits the lines."""
    events = journal()
    written = Journal(tmp_path / "journal.jsonl")
    for event in events:
        written(event)
    written.close()
    text = written.path.read_text()
    assert obeyed(text) == [] and len(text.splitlines()) == len(events)
    assert [event.to_json() for event in read(written.path)] == [e.to_json() for e in events]


@pytest.mark.parametrize("name", ["journal.jsonl", "Recipe.yaml", "..", ".", "", "/", "a/.."])
def test_an_attachment_replaces_no_file_of_ours(name: str, tmp_path: Path) -> None:
    """Its name is a cell's, and so anyone's who can write into what a cluster installs."""
    run = tmp_path / "run"
    written = Journal(run / "journal.jsonl")
    (run / "recipe.yaml").write_text("version: 1")
    said = StepProgress(step="train", message="a file", data={"x": Attachment(name, b"planted")})
    written(said)
    written.close()
    assert [event.to_json() for event in read(written.path)] == [said.to_json()]
    assert (run / "recipe.yaml").read_text() == "version: 1"
    assert {path.name for path in tmp_path.iterdir()} == {"run"}
    assert len(list(run.iterdir())) == 3


def test_a_report_is_text() -> None:
    html = page(POSTURE, existing(recipe_of("quickstart")), RunRecord(run="run"))
    assert obeyed(html) == [] and "<script" not in html
    assert SCRIPT.replace("<", "&lt;").replace(">", "&gt;") in html


def test_a_session_is_text(tmp_path: Path) -> None:
    store = DraftStore(tmp_path)
    draft = from_raw({"names": {"prefix": HOSTILE}, "tags": {HOSTILE: HOSTILE}})
    store.save(draft)
    (file,) = tmp_path.glob("*.json")
    foreign: Any = json.loads(file.read_text())
    assert obeyed(file.read_text()) == []
    file.write_text(json.dumps({**foreign, "saved": HOSTILE, "run": HOSTILE}))
    (found,) = store.unfinished()
    assert obeyed(f"{found.saved}{found.run}{found.answers}") == []
