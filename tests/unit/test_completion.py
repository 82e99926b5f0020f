"""Completion, as the shells of this machine do it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from support import PATIENCE, Ran, environment


@pytest.fixture
def script(command: Callable[..., Ran], tmp_path: Path) -> Callable[[str], Path]:
    def write(shell: str) -> Path:
        if not shutil.which(shell):
            pytest.skip(f"there is no {shell} here")
        ran = command("completion", shell)
        assert ran.code == 0, ran.err
        path = tmp_path / f"completion.{shell}"
        path.write_text(ran.out)
        return path

    return write


CASES = [
    ("amlwizard rep", "replay"),
    ("amlwizard replay recipe.yaml --target s", "sandbox"),
    ("amlwizard recipes copy qui", "quickstart"),
    ("amlwizard check mine", "mine.yaml"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a recipe in it, whose name a shell completes."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.yaml").touch()
    return tmp_path / "here"


@pytest.mark.parametrize(("typed", "completed"), CASES)
def test_bash(script: Callable[[str], Path], folder: Path, typed: str, completed: str) -> None:
    words = " ".join(typed.split())
    code = f"""
source '{script("bash")}'
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()
$(complete -p amlwizard | sed 's/.*-F //;s/ .*//')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, cwd=folder)
    assert completed in done.stdout.split(), done.stderr


@pytest.mark.parametrize(("typed", "completed"), CASES)
def test_fish(script: Callable[[str], Path], folder: Path, typed: str, completed: str) -> None:
    code = f"source '{script('fish')}'; complete -C '{typed}'"
    done = subprocess.run(["fish", "-c", code], capture_output=True, text=True, cwd=folder)
    assert completed in {line.split("\t")[0] for line in done.stdout.splitlines()}, done.stderr


@pytest.mark.parametrize(("typed", "completed"), CASES)
def test_zsh(script: Callable[[str], Path], folder: Path, typed: str, completed: str) -> None:
    """By its line editor, on a terminal."""
    (folder.parent / ".zshrc").write_text(
        "autoload -Uz compinit; compinit -u -D\n"
        f"eval \"$(<'{script('zsh')}')\"\n"
        'amlwizard() { print -r -- "got:$*" }\n'
        "PS1='ready> '\n"
    )
    shell = pexpect.spawn(
        "zsh",
        ["-d", "-i"],
        cwd=str(folder),
        env=environment({"ZDOTDIR": str(folder.parent), "TERM": "dumb"}),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    shell.expect("ready> ")
    shell.send(f"{typed}\t\r")
    shell.expect(r"\ngot:([^\r]*)\r")
    assert isinstance(shell.match, re.Match) and completed in shell.match[1].split()
    shell.close(force=True)
