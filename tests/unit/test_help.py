"""What ``--help`` says, of every command: one golden file, so that a change of it is seen in review."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from amlwizard.cli.argument_parser import Formatter
from amlwizard.cli.arguments import parser

GOLDEN = Path(__file__).parents[1] / "golden" / "help.txt"


def commands(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser, and those of its commands."""
    yield of
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from commands(command)


def test_the_help_of_every_command_is_the_golden_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """To change it: write the text that this test compares, and look at the difference."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    text = "\n".join(f"$ {p.prog} --help\n{p.format_help()}" for p in commands(parser()))
    assert text == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", commands(parser()), ids=lambda command: command.prog)
def test_every_command_has_a_sentence_and_an_example_that_it_takes(
    command: argparse.ArgumentParser,
) -> None:
    assert (command.description or "").rstrip().endswith(".")
    shown = [line.strip() for line in command.format_help().partition("example")[2].splitlines()]
    examples = [line for line in shown if line.startswith("amlwizard")]
    assert examples
    for example in examples:
        words = example.split("  ")[0].replace("COMMAND --help", "check a").partition(" |")[0]
        parser().parse_args(shlex.split(words.partition(" >")[0])[1:])


def test_help_is_wrapped_at_cells_of_which_some_letters_take_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = (
        "サインインしてサブスクリプションを読み取り、再実行が失敗する原因をすべて一覧表示する。" * 2
    )
    wide = argparse.ArgumentParser("x", description=text, formatter_class=Formatter)
    wide.add_argument("--option", help=text)
    shown = wide.format_help().splitlines()
    assert max(map(cell_len, shown)) == 58
    assert "".join(line.strip() for line in shown).count(text) == 2
    assert not [line for line in shown if line.strip().startswith(("、", "。"))]
