"""Commands of amlwizard that users are shown run as they are shown."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support import RECIPES, ROOT, amlwizard_in

from amlwizard import command_line
from amlwizard.cli import COMMANDS
from amlwizard.cli.arguments import parser

SCRIPT = Path(sys.executable).with_name("amlwizard")
QUICKSTART = str(RECIPES / "quickstart.yaml")
NAMES = sorted({name.split()[0] for name in COMMANDS if name})
BY_HAND = re.compile(rf"\bamlwizard ({'|'.join(NAMES)})\b")
NAMED = re.compile(r"\bamlwizard[^.\w]")
"""In a file without this, which is read faster than parsed, no text has a command."""
ELSEWHERE = ("steps/verify.py", "cli/arguments.py")
"""Where a command goes into exported scripts, or into help, which shows the name alone."""
SHOWN = re.compile(
    r"`([^`]*\bamlwizard(?: [^`]*)?)`|(?:: |\$ |^ {2,})"
    r"((?:(?:'[^']*'|[^\s`]+) -m )?[^\s`]*\bamlwizard .*)$",
    re.M,
)


def texts(path: Path) -> Iterator[str]:
    """The string literals of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documents:
            yield str(node.value)


def test_no_text_spells_out_a_command_of_ours() -> None:
    """`command_line` makes them, so that they begin as the user has begun."""
    package = ROOT / "src" / "amlwizard"
    found = [
        f"{path.relative_to(package)}: {text}"
        for path in package.rglob("*.py")
        if not str(path.relative_to(package)).startswith(("sandbox/", *ELSEWHERE))
        if NAMED.search(path.read_text(encoding="utf-8"))
        for text in texts(path)
        if BY_HAND.search(text)
    ]
    assert found == []


@pytest.fixture
def begun(tmp_path: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    """How users begin: the words, and the variables of their shell."""
    (tmp_path / ".venv").symlink_to(SCRIPT.parents[1])
    return {
        "name": (["amlwizard"], {"PATH": f"{SCRIPT.parent}{os.pathsep}{os.defpath}"}),
        "script": ([".venv/bin/amlwizard"], {"PATH": os.defpath}),
        "module": ([".venv/bin/python", "-m", "amlwizard"], {"PATH": os.defpath}),
    }


@pytest.mark.parametrize("way", ["name", "script", "module"])
def test_what_is_shown_begins_as_the_user_has_begun_and_runs(
    begun: dict[str, tuple[list[str], dict[str, str]]], tmp_path: Path, way: str
) -> None:
    words, variables = begun[way]

    def run(line: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **variables}
        return subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environment, text=True, capture_output=True
        )

    [shown] = shown_in(run(shlex.join([*words, "check", "no.yaml"])).stderr)
    assert shown == shlex.join([*words, "recipes", "copy", "quickstart"])
    assert run(shown).returncode == 0
    assert (tmp_path / "quickstart.yaml").is_file()


def shown_in(text: str) -> list[str]:
    return [next(filter(None, match.groups())) for match in SHOWN.finditer(text)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "no.yaml"),
        ("recipes", "copy", "quickstart", "-o", "my recipe.yaml"),
        ("replay", QUICKSTART, "--target", "azure"),
        ("resume",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_is_shown_is_taken_by_our_own_parser(arguments: Sequence[str], tmp_path: Path) -> None:
    ran = amlwizard_in(tmp_path, *arguments, AMLWIZARD_HOME=str(tmp_path))
    commands = shown_in(ran.out + ran.err)
    assert commands
    for shown in commands:
        _, _, words = shown.partition("amlwizard")
        given = [{"TARGET": "sandbox"}.get(word, word) for word in shlex.split(words)]
        assert parser().parse_args(given).command


def test_paths_are_quoted_and_relative_to_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inside, outside = tmp_path / "my recipes" / "a.yaml", tmp_path.parent / "b.yaml"
    assert command_line.command_line("check", inside) == "amlwizard check 'my recipes/a.yaml'"
    assert command_line.command_line("check", outside) == f"amlwizard check {outside}"
    assert command_line.replaying("a.yaml", "azure").endswith("a.yaml --target azure --yes")


def test_a_text_gets_its_recipe_and_target_where_they_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my recipe.yaml").touch()
    text = "`amlwizard destroy RECIPE --target TARGET --purge`"
    done = command_line.about(text, "my recipe.yaml", "sandbox")
    assert done == "`amlwizard destroy 'my recipe.yaml' --target sandbox --purge`"
    assert command_line.about(text, "a prefix", "azure").endswith("RECIPE --target azure --purge`")
