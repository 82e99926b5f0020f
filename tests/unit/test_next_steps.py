"""What a person is told after a run: lines that a shell takes as they are."""

from __future__ import annotations

import io
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.tui_support import recorded

from amlwizard import console
from amlwizard.app.port import ShellAccess
from amlwizard.app.targets import Choice, places
from amlwizard.next_steps import ASK, ASK_INSIDE, DESTROY, REPLAY, RESUME, REVIVE, next_steps
from amlwizard.recipe import SignIn
from amlwizard.view import RunView

AZURE = ShellAccess("azure")


def on(target: str) -> RunView:
    return replace(recorded(), target=target)


def told(view: RunView, recipe: str | Path, access: ShellAccess) -> dict[str, tuple[str, ...]]:
    return {step.what: step.commands for step in next_steps(view, recipe, access)}


def test_the_path_of_the_recipe_is_one_word_for_a_shell() -> None:
    steps = told(on("azure"), "my recipes/a b.yaml", AZURE)
    assert shlex.split(steps[DESTROY][0])[1:] == [
        "destroy", "my recipes/a b.yaml", "--target", "azure",
    ]  # fmt: skip
    for command in (line for lines in steps.values() for line in lines):
        assert subprocess.run(["bash", "-n", "-c", command], check=False).returncode == 0


def test_the_key_is_in_no_line() -> None:
    key, curl = told(on("azure"), "x.yaml", AZURE)[ASK]
    assert key == "KEY=$(amlwizard key x.yaml --target azure)"
    assert "get-credentials" not in curl


def test_a_run_that_has_not_come_to_its_end_is_gone_on_with() -> None:
    steps = told(replace(on("azure"), exit_code=1), "x.yaml", AZURE)
    assert steps[RESUME] == (f"amlwizard resume {recorded().run} --yes",)
    assert steps[DESTROY] == ("amlwizard destroy x.yaml --target azure",) and REPLAY not in steps


def test_who_signed_in_by_a_code_does_so_again_unless_the_recipe_says_how() -> None:
    access = places(Choice(attended=True)).access["azure"]
    steps = told(on("azure"), "x.yaml", access)
    assert all("--set sign_in.login=device-code" in steps[what][0] for what in (DESTROY, ASK))
    [resume] = told(replace(on("azure"), exit_code=1), "x.yaml", access)[RESUME]
    assert "replay x.yaml" in resume and "--set sign_in.login=device-code" in resume
    assert told(on("azure"), "x.yaml", access.of(SignIn(login="browser"))) == told(
        on("azure"), "x.yaml", AZURE
    )


def test_a_sandbox_that_ends_with_this_process_says_how_it_comes_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    state = tmp_path / "sandbox" / "sandbox.json"
    steps = told(on("sandbox"), "x.yaml", places(Choice()).access["sandbox"])
    assert steps[REVIVE] == (f"amlwizard sandbox --state {state}",)
    assert f"AMLWIZARD_SANDBOX={state}.d/sandbox.json amlwizard key" in steps[ASK][0]
    monkeypatch.setenv("AMLWIZARD_SANDBOX", "/its own/file")
    steps = told(on("sandbox"), "x.yaml", places(Choice()).access["sandbox"])
    assert REVIVE not in steps, "it ends when who started it says so"
    assert "AMLWIZARD_SANDBOX='/its own/file' amlwizard key" in steps[ASK][0]


def test_a_private_endpoint_is_asked_from_where_it_can_be_reached() -> None:
    view = on("azure")
    score = view.steps["score"]
    assert score.end
    end = replace(score.end, outputs={**score.end.outputs, "from": "the VNET"})
    inside = replace(view, steps={**view.steps, "score": replace(score, end=end)})
    assert ASK_INSIDE in told(inside, "x.yaml", AZURE)


def test_each_command_is_printed_on_one_line() -> None:
    out = io.StringIO()
    steps = list(next_steps(on("azure"), "x.yaml", AZURE))
    console.show_next_steps(steps, console.output(out))
    lines = [line.strip() for line in out.getvalue().splitlines()]
    assert all(command in lines for step in steps for command in step.commands)
