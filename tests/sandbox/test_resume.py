"""`amlwizard resume` goes on with the last run that did not come to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support import RECIPES, Command, Sandbox, amlwizard

NOTHING = "There is no unfinished run"


def test_resume_continues_the_last_unfinished_run(
    sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    cloud = sandbox("--clock", "instant")
    around = {"AMLWIZARD_HOME": str(tmp_path), **cloud.environment}
    options = ("--target", "sandbox", "--until", "provision", "--json")
    cloud.fault("PUT .*/vaults/.*", status=409, code="VaultAlreadyExists")
    failed = amlwizard("replay", str(RECIPES / "quickstart.yaml"), *options, **around)
    assert failed.code == 1 and failed.outcomes["key-vault"] == "failed"
    cloud.clear()

    resumed = amlwizard("resume", "--json", **around)
    assert resumed.code == 0, resumed.err
    run = failed.events[0]["run"]
    assert f"Continuing run {run}" in resumed.err
    assert resumed.outcomes.keys() == failed.outcomes.keys(), "it stops after the same phase"
    assert resumed.outcomes["key-vault"] == "done" and resumed.outcomes["storage"] == "kept"

    over = amlwizard("resume", **around)
    assert over.code == 2 and NOTHING in over.err
    again = amlwizard("resume", run, "--json", **around)
    assert again.code == 0 and again.outcomes["key-vault"] == "kept"


def test_without_any_run_it_says_so(command: Command) -> None:
    ran = command("resume")
    assert ran.code == 2 and NOTHING in ran.err
    assert "There is no run x" in command("resume", "x").err
