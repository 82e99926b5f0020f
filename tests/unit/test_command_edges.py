"""The edges of the command line: no terminal, no reader, unknown words, files that cannot be written."""

from __future__ import annotations

import ast
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import PATIENCE, RECIPES, ROOT, Command, amlwizard_in, environment
from support.breadth import breadth, crossed

from amlwizard import cli, preflight
from amlwizard.cli.arguments import parser
from amlwizard.run_control import SIGNALS

QUICKSTART = str(RECIPES / "quickstart.yaml")


def process(line: str) -> subprocess.CompletedProcess[str]:
    """What a shell does that knows our command."""
    known = f'amlwizard() {{ {shlex.quote(sys.executable)} -m amlwizard "$@"; }}'
    shell = ["bash", "-c", f"{known}; {line}"]
    return subprocess.run(shell, cwd=ROOT, text=True, capture_output=True)


@pytest.mark.parametrize("line", ["amlwizard </dev/null", "amlwizard <&-"])
def test_without_a_terminal_the_wizard_says_what_to_use_instead(line: str) -> None:
    ran = process(line)
    assert ran.returncode == 2 and "no terminal" in ran.stderr and "Traceback" not in ran.stderr
    assert "ask --plain" in ran.stderr and "--help" in ran.stderr


@pytest.mark.parametrize(
    "arguments", [("--help",), breadth(("plan", QUICKSTART)), ("check", "no.yaml")]
)
def test_a_reader_that_has_enough_ends_a_command_quietly(arguments: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "amlwizard", *arguments]
    ran = subprocess.run(command, stdout=writing, stderr=writing, cwd=ROOT)
    os.close(writing)
    assert ran.returncode == 141 or (arguments == ("--help",) and ran.returncode == 0)


def test_nothing_is_said_to_a_reader_that_has_enough() -> None:
    """What Python says of a stream that it cannot flush would follow the command's output."""
    ran = process("amlwizard plan recipes/quickstart.yaml | head -1 | wc -l")
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "1", "")


def said_of(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        parser().parse_args(arguments)
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("chek", "a.yaml"), "unknown command 'chek'. Did you mean check?"),
        (("recipes", "coppy"), "Did you mean copy?"),
        (("demo", "--pase", "fast"), "Did you mean --pace?"),
        # Although argparse would miss the one that is required.
        (("replay", "a", "--taget", "azure"), "unknown argument: --taget. Did you mean --target?"),
        (("demo", "--pace", "fsat"), "Did you mean fast?"),
        (("replay", "a", "--target", "azur"), "Did you mean azure?"),
        (("replay", "a", "--target", "azure", "--until", "provisoin"), "Did you mean provision?"),
        (("verify", "a", "--target", "azure", "--skip", "insides"), "Did you mean inside?"),
        (("zzz",), "Choose from ask, check, "),
    ],
)
def test_what_was_meant_by_an_unknown_word(
    arguments: Sequence[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hint in said_of(*arguments, capsys=capsys)


@pytest.mark.parametrize(
    ("rule", "hint"),
    [("ak-4", "Did you mean AK-4?"), ("vnet-overlaps", "Did you mean vnet-overlap?"),
     ("NONSENSE", "Leave it out")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["check", "replay"])
def test_an_unknown_rule_is_not_ignored(command: Command, name: str, rule: str, hint: str) -> None:
    target = ("--target", "azure") if name == "replay" else ()
    ran = command(name, QUICKSTART, *target, "--ignore", rule)
    assert ran.code == 2 and f"no rule {rule}" in ran.err and hint in ran.err


def test_every_rule_of_preflight_can_be_named() -> None:
    named = {
        node.args[0].value
        for path in (ROOT / "src" / "amlwizard" / "preflight").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Finding", "Demand")
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    built = {"node-type-not-offered", "runtime-not-offered"}
    assert named | built == set(preflight.RULES)


def test_an_export_writes_over_a_file_only_if_it_is_told_to(tmp_path: Path) -> None:
    kept = tmp_path / "keep.txt"
    kept.write_text("mine")
    export = ("export", QUICKSTART, "--to", "az", "-o", "keep.txt")
    ran = amlwizard_in(tmp_path, *export)
    assert (ran.code, kept.read_text()) == (2, "mine") and "--force" in ran.err
    assert amlwizard_in(tmp_path, *export, "--force").code == 0
    assert kept.read_text().startswith("#!")


WRITING = [
    ("export", "no.yaml", "--to", "az", "-o"),
    ("verify", QUICKSTART, "--target", "sandbox", "--html"),
    ("replay", QUICKSTART, "--target", "sandbox", "--capture"),
    ("plan", QUICKSTART, "--target", "sandbox", "--capture"),
    ("sandbox", "--capture"),
    ("demo", "--record"),
]


@pytest.mark.parametrize(
    ("arguments", "where"),
    crossed(WRITING, ["no/such/file", ".", "/proc/none"]),
    ids=lambda given: given if isinstance(given, str) else f"{given[0]}{given[-1]}",
)
def test_a_file_that_cannot_be_written_is_told_before_any_work(
    arguments: Sequence[str], where: str, tmp_path: Path
) -> None:
    ran = amlwizard_in(tmp_path, *arguments, where, AMLWIZARD_HOME=str(tmp_path / "home"))
    assert ran.code == 2 and where in ran.err and "Name another file" in ran.err
    assert "no.yaml" not in ran.err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_command_is_still_being_loaded_ends_it(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By default, SIGINT shows a traceback there and the others end the process with their own code."""
    monkeypatch.setattr(cli, "_parsed", lambda _: signal.raise_signal(number))
    before = signal.getsignal(number)
    assert cli.main(["plan", QUICKSTART]) == 130
    assert capfd.readouterr().err == ""
    assert signal.getsignal(number) == before


STUBBORN = """
import time
from amlwizard.cli.signals import cancelling

with cancelling():
    print("begun", flush=True)
    while True:
        time.sleep(1)
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_also_what_does_not_heed_the_first(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment({}),
    ) as stubborn:
        assert stubborn.stdout and stubborn.stdout.readline() == "begun\n"
        stubborn.send_signal(number)
        assert stubborn.stderr
        while "Cancelling" not in stubborn.stderr.readline():
            assert stubborn.poll() is None
        stubborn.send_signal(number)
        assert stubborn.wait(PATIENCE) == 130
