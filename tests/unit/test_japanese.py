"""What commands say in Japanese, each in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from support import RECIPES, amlwizard, environment
from support.breadth import breadth

JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
HELP = """
import json, sys
from amlwizard import language
language.use("ja")
from unit.test_help import commands
from amlwizard.cli.arguments import parser
json.dump({one.prog: one.format_help() for one in commands(parser())}, sys.stdout)
"""


def said(*arguments: str, **variables: str) -> str:
    """All that a command says, and its exit code."""
    ran = subprocess.run(
        [sys.executable, "-m", "amlwizard", *arguments], env=environment(variables),
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return f"{ran.stdout}{ran.stderr}{ran.returncode}"


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    file = tmp_path / "wrong.yaml"
    text = (RECIPES / "quickstart.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("10.0.0.10", "10.9.0.10"), encoding="utf-8")
    return str(file)


# What `make test` leaves out: `--lang ja` is read below too, and which variable decides is held without
# a process by `test_language`.
@pytest.mark.parametrize(
    ("options", "variables", "japanese"),
    [
        breadth(("--lang", "ja"), {}, True),
        (("--lang=ja",), {"LANG": "C.UTF-8"}, True),
        breadth((), {"AMLWIZARD_LANG": "ja"}, True),
        ((), {"AMLWIZARD_LANG": "", "LC_ALL": "ja_JP.UTF-8"}, True),
        (("--lang", "en"), {"AMLWIZARD_LANG": "ja"}, False),
        # A stream that could write it only as escapes.
        (("--lang", "ja"), {"PYTHONIOENCODING": "ascii"}, False),
        breadth((), {}, False),
    ],
)
def test_the_option_chooses_before_the_environment_does(
    options: tuple[str, ...], variables: dict[str, str], japanese: bool, wrong: str
) -> None:
    text = said("check", wrong, *options, **variables)
    assert bool(JAPANESE.search(text)) is japanese
    assert text.endswith("2") and "10.9.0.10" in text and "\\u" not in text


def test_the_option_may_stand_before_the_command_and_an_unknown_language_is_refused(
    wrong: str,
) -> None:
    assert JAPANESE.search(said("--lang", "ja", "check", wrong))
    assert "unknown choice 'jp'" in amlwizard("check", wrong, "--lang", "jp").err
    assert "expected one argument" in amlwizard("check", wrong, "--lang").err


def test_what_argparse_says_is_japanese_too() -> None:
    text = said("replay", "--lang", "ja")
    assert "使い方" in text and "usage" not in text and text.endswith("2")


def test_the_help_of_every_command_fits_into_eighty_columns() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", HELP], cwd=Path(__file__).parents[1], capture_output=True, text=True,
        env=environment({"COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": "."}), check=True,
    )  # fmt: skip
    texts = json.loads(ran.stdout)
    assert all(JAPANESE.search(text) for text in texts.values())
    wide = [
        line
        for text in texts.values()
        for line in text.splitlines()
        if JAPANESE.search(line) and cell_len(line) > 80
    ]
    assert not wide
