"""The commands that need no cloud, as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import RECIPES, ROOT, Ran, Sandbox

QUICKSTART = str(RECIPES / "quickstart.yaml")
HEAVY = (
    "azure", "databricks", "mlflow", "sklearn", "pandas", "numpy", "matplotlib", "textual",
    "questionary", "starlette", "uvicorn", "httpx", "cryptography",
)  # fmt: skip


def loaded(*arguments: str) -> set[str]:
    """Top-level modules that a command has loaded when it ends."""
    code = (
        "import sys\nfrom amlwizard.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('\\nLOADED ' + ' '.join({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT
    )
    return set(done.stdout.rpartition("LOADED ")[2].split())


def test_help_loads_nothing_but_the_arguments() -> None:
    modules = loaded("--help")
    assert "amlwizard" in modules
    assert not modules & {*HEAVY, "pydantic", "rich", "yaml"}


@pytest.mark.parametrize("name", ["check", "plan"])
def test_check_and_plan_load_no_cloud(name: str) -> None:
    modules = loaded(name, QUICKSTART)
    assert "pydantic" in modules
    assert not modules & set(HEAVY)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text("names: {prefix: abc}\nadresses: {}\naddresses: {vnet: 10.0.0.0/33}\n")
    return path


def test_check_lists_every_finding_and_exits_2(command: Callable[..., Ran], bad: Path) -> None:
    ran = command("check", str(bad), "--json")
    found = json.loads(ran.out)
    assert ran.code == 2
    errors = [f for f in found["findings"] if f["severity"] == "error"]
    assert {f["rule"] for f in errors} == {"unknown-key", "address", "missing"}
    assert all({"rule", "fields", "what", "why", "fix"} <= f.keys() for f in found["findings"])
    text = command("check", str(bad))
    assert text.code == 2
    for part in ("adresses", "Did you mean addresses?", "addresses.vnet", "line 3"):
        assert part in text.out


def test_warnings_exit_0(command: Callable[..., Ran]) -> None:
    ran = command("check", str(RECIPES / "article.yaml"))
    assert ran.code == 0 and "warning CR-2" in ran.out


@pytest.mark.parametrize("arguments", [("check",), ("plan",), ("replay", "--target", "sandbox")])
def test_a_missing_file_is_invalid_input(command: Callable[..., Ran], arguments: tuple) -> None:
    ran = command(arguments[0], "no/such.yaml", *arguments[1:])
    assert ran.code == 2 and "no/such.yaml" in ran.err and "Traceback" not in ran.err


def test_replay_refuses_a_bad_recipe_before_any_cloud(
    command: Callable[..., Ran], bad: Path
) -> None:
    ran = command("replay", str(bad), "--target", "azure", "--yes")
    assert ran.code == 2 and "addresses.vnet" in ran.err and "scoring.request" in ran.err


def test_replay_never_builds_on_azure_unasked(command: Callable[..., Ran]) -> None:
    ran = command("replay", QUICKSTART, "--target", "azure")
    assert ran.code == 2 and "--yes" in ran.err


@pytest.mark.parametrize("setting", ["names.prefix", "names.nothing=1", "=x"])
def test_settings_are_checked_as_the_file_is(command: Callable[..., Ran], setting: str) -> None:
    ran = command("replay", QUICKSTART, "--target", "sandbox", "--set", setting)
    assert ran.code == 2 and "Traceback" not in ran.err


def test_the_plan_is_complete_and_in_order(command: Callable[..., Ran]) -> None:
    plan = json.loads(command("plan", QUICKSTART, "--json").out)
    seen: set[str] = set()
    for step in plan["steps"]:
        assert set(step["after"]) <= seen
        seen.add(step["id"])
        assert step["action"] in ("create", "run")
    assert {"vnet", "databricks", "aks", "train", "register", "deployment", "score"} <= seen
    commands = [line for step in plan["steps"] for line in step["az"]]
    assert any(line.startswith("az network vnet create") for line in commands)
    assert plan["target"] is None


def test_the_plan_reads_well(command: Callable[..., Ran]) -> None:
    out = command("plan", QUICKSTART).out
    assert "no cloud was read" in out and "az aks create" in out


def test_the_plan_of_an_empty_cloud_makes_everything(
    command: Callable[..., Ran], sandbox: Callable[..., Sandbox]
) -> None:
    ran = command(
        "plan", QUICKSTART, "--target", "sandbox", "--json",
        **sandbox("--clock", "instant").environment,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    plan = json.loads(ran.out)
    assert plan["target"] == "sandbox"
    actions = {step["id"]: step["action"] for step in plan["steps"]}
    assert actions.pop("providers") == "update"  # every subscription has them, not registered
    assert set(actions.values()) == {"create", "run"}


def test_schema_is_the_shipped_one(command: Callable[..., Ran]) -> None:
    shipped = json.loads((RECIPES / "recipe.schema.json").read_text())
    assert json.loads(command("schema").out) == shipped
