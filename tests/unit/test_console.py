"""What commands print: wrapped at words in any width, told apart, and without a screen in words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pexpect
import pytest
from rich.console import Console
from support import PATIENCE, RECIPES, ROOT, environment, existing, recipe_of
from support.breadth import crossed

from amlwizard import console, durations
from amlwizard.cli import main
from amlwizard.events import (
    Event,
    LoginDone,
    LoginNeeded,
    RunFinished,
    RunStarted,
    StepFinished,
    StepInfo,
    StepProgress,
    StepStarted,
)
from amlwizard.journal import read
from amlwizard.steps import steps_for

QUICKSTART = str(RECIPES / "quickstart.yaml")
GOLDEN = ROOT / "tests" / "golden" / "quickstart.jsonl"
WIDTHS = (60, 80, 120)
DRAWN = 8


def words(text: str) -> list[str]:
    return text.split()


# -- plans


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    columns: int = request.param
    return columns


def planned(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["plan", QUICKSTART, *options]) == 0
    return capsys.readouterr().out.partition("\nThe same with the Azure CLI:")[0]


def test_a_plan_is_wrapped_at_words(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = planned(capsys)
    monkeypatch.delenv("COLUMNS")
    assert words(wrapped) == words(planned(capsys))
    assert max(len(line.rstrip()) for line in wrapped.splitlines()) <= width


def test_a_plan_is_grouped_by_phase_with_counts(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line.rstrip() for line in planned(capsys).splitlines()]
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings[0] == "Sign-in  1 to run"
    assert [line.split("  ")[0] for line in headings[1:-1]] == [
        "Platform", "Training", "Model", "Deployment", "Scoring", "Verification"
    ]  # fmt: skip
    assert "(not compared with any cloud)" in lines[-1]


def test_ids_are_shown_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    some = "id dns-zone.privatelink.azurecr.io"
    assert some not in planned(capsys) and "after resource-group" not in planned(capsys)
    told = planned(capsys, "-v")
    assert some in told and "after resource-group" in told


# -- a run on a terminal


def events(until: int | None = None) -> list[Event]:
    return [*read(GOLDEN)][:until]


def at_step(step: str) -> list[Event]:
    """The events until a step starts."""
    found = events()
    place = next(n for n, e in enumerate(found) if isinstance(e, StepStarted) and e.step == step)
    return found[: place + 1]


def screen(text: str) -> list[str]:
    """What a terminal shows after `text`, which moves no further than a live table does."""
    rows, at = [""], 0
    for piece in re.findall(r"\x1b\[\??[\d;]*[a-zA-Z]|\n|\r|[^\x1b\n\r]+", text):
        if piece == "\n":
            at += 1
            rows += [""] * (at + 1 - len(rows))
        elif piece == "\x1b[1A":
            at -= 1
        elif piece == "\x1b[2K":
            rows[at] = ""
        elif piece.startswith("\x1b"):
            assert piece[-1] in "mhl", f"{piece!r} is not known here"
        elif piece != "\r":
            rows[at] += piece
    return [row.rstrip() for row in rows if row.strip()]


class Terminal(StringIO):
    """A terminal of that encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self.encoded = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.encoded

    def isatty(self) -> bool:
        return True


def drawn(
    given: Sequence[Event],
    size: tuple[int, int],
    encoding: str = "utf-8",
    expected: Mapping[str, float] | None = None,
) -> list[str]:
    """The screen after these events, the last ones drawn one over the other."""
    out = Terminal(encoding)
    with redirect_stderr(out):
        columns, lines = size
        there = Console(file=out, force_terminal=True, width=columns, height=lines)
        table = console.LiveTable(there, expected, now=lambda: given[-1].at)
        prompt = console.login_prompt()
        for left, event in zip(reversed(range(len(given))), given, strict=True):
            table(event)
            prompt(event)
            if left < DRAWN and not isinstance(event, RunFinished):
                table.live.refresh()
        shown = screen(out.getvalue())
        table.live.stop()
    return shown


@pytest.mark.parametrize(("width", "height"), crossed(WIDTHS, [24, 100]), indirect=["width"])
def test_a_running_step_is_told_from_all_others(width: int, height: int) -> None:
    shown = drawn(at_step("dns-zone.privatelink.vaultcore.azure.net"), (width, height))
    table = shown[next(n for n, line in enumerate(shown) if "on sandbox" in line) :]
    assert max(map(len, shown)) <= width and len(table) < height
    zones = [line for line in shown if line.startswith("▸ Private DNS zone ")]
    assert len(zones) > 1
    assert len({line.split("  ")[0] for line in zones}) == len(zones)
    assert any(re.match(r"\s+Platform +\d+/52", line) for line in shown)


def test_there_is_one_table_and_what_is_told_besides_stands_above(width: int) -> None:
    shown = drawn(at_step("preflight"), (width, 24))
    heads = [n for n, line in enumerate(shown) if "on sandbox" in line]
    assert len(heads) == 1
    assert any("SIGN-IN NEEDED" in line for line in shown[: heads[0]])


def test_all_steps_are_there_in_the_end() -> None:
    shown = drawn(events(), (80, 24))
    titles = [step.title for step in steps_for(recipe_of("quickstart"))]
    assert all(any(title in line for line in shown) for title in titles)
    assert sum("on sandbox" in line for line in shown) == 1


def test_a_bar_and_the_time_left_stand_above_the_table(width: int) -> None:
    expected = durations.expected(
        (s.id for s in steps_for(recipe_of("quickstart"))), {}, durations.typical
    )
    bar = drawn(at_step("aks"), (width, 24), expected=expected)
    assert any(
        re.search(r"━.* \d+/\d+  0:0\d, about \S+ \S+ left \(\d\d:\d\d\)", line) for line in bar
    )


def test_ascii_marks_where_the_terminal_has_no_others(width: int) -> None:
    shown = drawn(at_step("aks"), (width, 24), "ascii")
    assert all(line.isascii() for line in shown), shown
    assert any(line.startswith("> AKS cluster") for line in shown)


# -- a run without a screen


def lines(given: Sequence[Event], expected: Mapping[str, float] | None = None) -> list[str]:
    out = StringIO()
    show = console.Lines(out, expected=expected)
    for event in given:
        show(event)
    return out.getvalue().splitlines()


def test_every_step_has_one_line() -> None:
    told = lines(events())
    steps = steps_for(recipe_of("quickstart"))
    assert len(told) <= len(steps) + 4, "and the run, and what preflight warns of"
    for step in steps:
        assert len([line for line in told if f"] {step.title}: " in line]) == 1
    assert "\x1b" not in "".join(told)


def running(at: float, message: str) -> StepProgress:
    return StepProgress(at=at, step="aks", message=message)


LONG: tuple[Event, ...] = (
    RunStarted(at=100, run="r", recipe="x.yaml", target="azure", steps=(
        StepInfo("aks", "AKS cluster", "provision"),
        StepInfo("compute", "AKS attached", "provision", ("aks",)),
    )),
    StepStarted(at=100, step="aks", action="create"),
    *(running(100 + 10 * n, "InProgress") for n in range(10)),
)  # fmt: skip


def test_a_long_wait_is_told_every_half_minute_and_not_at_every_poll() -> None:
    told = lines(LONG, expected={"aks": 300, "compute": 60})
    assert [line.split()[0] for line in told] == ["0.0", "30.0", "60.0", "90.0"]
    assert told[1].endswith("[0/2] Waiting for AKS cluster (30 s, InProgress) | about 6 min left")


def test_every_end_is_told_in_words() -> None:
    told = lines([
        *LONG[:2],
        StepFinished(at=130, step="aks", outcome="failed", what="No quota.", fix="Ask for it."),
        StepFinished(at=130, step="compute", outcome="blocked", because="aks", what="aks failed"),
        RunFinished(at=130, exit_code=1, counts={"failed": 1, "blocked": 1}),
    ])  # fmt: skip
    assert [line[9:] for line in told[1:]] == [
        "[1/2] AKS cluster: failed | No quota. | Ask for it.",
        "[2/2] AKS attached: not started, because of AKS cluster",
        "Run finished: 1 failed, 1 blocked",
    ]


# -- signing in

NEEDED = LoginNeeded(at=1, step="sign-in", url="https://x/device", user_code="ABC", expires_at=901)
SIGNED_IN = LoginDone(at=2, step="sign-in", account="engineer@sandbox.example")


def prompted(approved_by: str) -> str:
    err = StringIO()
    prompt = console.login_prompt(approved_by)
    with redirect_stderr(err):
        for event in (NEEDED, SIGNED_IN):
            prompt(event)
    return err.getvalue()


def test_a_code_that_someone_has_to_enter_is_told_on_standard_error() -> None:
    assert "open https://x/device and enter ABC (within 15 minutes)" in prompted("")


def test_nobody_is_asked_for_what_the_cloud_approves_itself() -> None:
    assert prompted("sandbox") == "Sandbox: signed in as engineer@sandbox.example\n"


# -- encodings


@pytest.mark.parametrize(
    "around",
    [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}],
    ids=["locale", "PYTHONIOENCODING"],
)
def test_what_cannot_be_encoded_is_escaped(around: dict[str, str], tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "amlwizard",
            "check",
            QUICKSTART,
            "--set",
            "names.resource_group=日本",
        ],
        capture_output=True,
        cwd=ROOT,
        env=environment({"AMLWIZARD_HOME": str(tmp_path), **around}),
    )
    assert ran.returncode == 2 and b"Traceback" not in ran.stderr
    assert ran.stdout.decode("ascii") and b"resource_group" in ran.stdout


def test_json_stays_json_in_ascii() -> None:
    out = Terminal("ascii")
    console.json_lines(out)(running(1, "日本"))
    assert out.getvalue().isascii() and json.loads(out.getvalue())["message"] == "日本"


def test_a_terminal_that_cannot_draw_the_wizard_is_pointed_to_the_prompts(tmp_path: Path) -> None:
    around = {"TERM": "xterm", "PYTHONIOENCODING": "ascii", "AMLWIZARD_HOME": str(tmp_path)}
    child = pexpect.spawn(
        sys.executable, ["-m", "amlwizard"], env=environment(around), encoding="utf-8"
    )
    child.expect(pexpect.EOF, timeout=PATIENCE)
    child.close()
    said = " ".join(words(existing(child.before)))
    assert child.exitstatus == 2 and "amlwizard ask`" in said and "C.UTF-8" in said


def test_a_terminal_has_the_encoding_of_its_locale(tmp_path: Path) -> None:
    """Python itself takes UTF-8 for the locale C."""
    around = {"TERM": "xterm", "LC_ALL": "C", "AMLWIZARD_HOME": str(tmp_path), "COLUMNS": "60"}
    given = {name: value for name, value in environment(around).items() if name != "PYTHONUTF8"}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "amlwizard", "check", QUICKSTART, "--set", "names.resource_group=日本"],
        env=given,
        encoding="utf-8",
    )
    child.expect(pexpect.EOF, timeout=PATIENCE)
    child.close()
    assert child.exitstatus == 2 and existing(child.before).isascii()


def test_a_removal_is_told_as_one_where_no_heading_says_so() -> None:
    vault = StepInfo("key-vault", "Key vault kv", "remove")
    told = lines([
        RunStarted(at=100, run="r", recipe="x.yaml", target="azure", steps=(vault,)),
        StepStarted(at=100, step="key-vault", action="delete"),
        StepFinished(at=102, step="key-vault", outcome="done"),
    ])  # fmt: skip
    assert told[-1].endswith("] Remove: Key vault kv: removed in 2.0 s")
