"""The commands that need no cloud, as a user runs them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
from support import PATIENCE, RECIPES, ROOT, Ran, Sandbox, environment, forking
from support.breadth import narrowed

QUICKSTART = str(RECIPES / "quickstart.yaml")
HEAVY = (
    "azure", "databricks", "mlflow", "sklearn", "pandas", "numpy", "matplotlib", "textual",
    "questionary", "starlette", "uvicorn", "httpx", "cryptography", "dateutil",
)  # fmt: skip


def loaded(*commands: Sequence[str], **environment: str) -> list[set[str]]:
    """Top-level modules that one process has loaded when each of these commands ends."""
    code = (
        "import sys\nfrom amlwizard.cli import main\n"
        f"sys.executable = {forking.python()!r}\n"  # of a sandbox, if a command starts one
        f"for command in {[[*command] for command in commands]!r}:\n"
        "    try:\n        main(command)\n    except SystemExit:\n        pass\n"
        "    print('\\nLOADED ' + ' '.join({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    assert len(told) == len(commands), done.stderr
    return [{*line.split()[1:]} for line in told]


def test_commands_without_a_cloud_load_none() -> None:
    """And help and the version nothing but the arguments; what loads less comes first."""
    version, help, check, plan = loaded(
        ["--version"], ["--help"], ["check", QUICKSTART], ["plan", QUICKSTART]
    )
    assert not version & {*HEAVY, "pydantic", "rich", "yaml"}
    assert "amlwizard" in help and not help & {*HEAVY, "pydantic", "rich", "yaml"}
    assert "pydantic" in check and not check & set(HEAVY)
    assert not plan & set(HEAVY)


def test_a_replay_loads_no_screen_and_nothing_that_runs_in_the_cloud(tmp_path: Path) -> None:
    """The sandbox serves, tracks and trains in processes of its own."""
    options = ("--target", "sandbox", "--clock", "instant", "--until", "sign-in")
    [modules] = loaded(["replay", QUICKSTART, *options], AMLWIZARD_HOME=str(tmp_path))
    assert {"amlwizard", "azure"} <= modules
    assert not modules & {
        "textual", "questionary", "prompt_toolkit", "mlflow", "sklearn", "pandas", "matplotlib",
        "starlette", "uvicorn", "trustme",
    }  # fmt: skip


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
    assert {f["rule"] for f in errors} == {"unknown-key", "address"}
    assert all({"rule", "fields", "what", "why", "fix"} <= f.keys() for f in found["findings"])
    text = command("check", str(bad))
    assert text.code == 2
    for part in ("adresses", "Did you mean addresses?", "addresses.vnet", "line 3"):
        assert part in text.out


def test_warnings_exit_0(command: Callable[..., Ran]) -> None:
    ran = command("check", str(RECIPES / "article.yaml"))
    assert ran.code == 0 and "warning CR-2" in ran.out


@pytest.mark.parametrize("arguments", [("check",), ("plan",), ("replay", "--target", "sandbox")])
def test_a_missing_file_is_invalid_input(
    command: Callable[..., Ran], arguments: tuple[str, ...]
) -> None:
    ran = command(arguments[0], "no/such.yaml", *arguments[1:])
    assert ran.code == 2 and "no/such.yaml" in ran.err and "Traceback" not in ran.err


def test_replay_refuses_a_bad_recipe_before_any_cloud(
    command: Callable[..., Ran], bad: Path
) -> None:
    ran = command("replay", str(bad), "--target", "azure", "--yes")
    assert ran.code == 2 and "addresses.vnet" in ran.err and "adresses" in ran.err


def test_replay_never_builds_on_azure_unasked(command: Callable[..., Ran]) -> None:
    ran = command("replay", QUICKSTART, "--target", "azure")
    assert ran.code == 2 and "--yes" in ran.err


@pytest.mark.parametrize("phase", ["provision", "deploy", "score"])
def test_only_what_is_work_can_be_done_anew(command: Callable[..., Ran], phase: str) -> None:
    """What exists is kept or corrected; saying otherwise would be a promise that is not kept."""
    ran = command("replay", QUICKSTART, "--target", "sandbox", "--rerun", phase)
    assert ran.code == 2 and "train" in ran.err


@pytest.mark.parametrize(
    ("certificate", "said"),
    [(None, "cannot be read"), ("no PEM at all", "holds no certificate"),
     ("-----BEGIN CERTIFICATE-----\n", "")],
)  # fmt: skip
def test_tls_files_are_looked_at_before_any_cloud(
    command: Callable[..., Ran], tmp_path: Path, certificate: str | None, said: str
) -> None:
    recipe, file, key = (tmp_path / name for name in ("recipe.yaml", "cert.pem", "key.pem"))
    if certificate is not None:
        file.write_text(certificate)
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    tls = f"  tls_certificate: '{file}'\n  tls_key: '{key}'\n  tls_name: score.example.com\n"
    text = Path(QUICKSTART).read_text().replace("\nserving:\n", f"\nserving:\n{tls}")
    recipe.write_text(text)
    found = json.loads(command("check", str(recipe), "--json").out)["findings"]
    about = [f for f in found if f["fields"] == ["serving.tls_certificate"]]
    assert [f["severity"] for f in about] == (["error"] if said else [])
    assert all(said in f["what"] and str(file) in f["what"] for f in about)
    ran = command("replay", str(recipe), "--target", "azure")
    assert ran.code == 2 and (said in ran.err if said else "--yes" in ran.err)


WRITTEN = [
    ("plan", QUICKSTART),
    ("schema",),
    ("plan", QUICKSTART, "--json"),
    ("check", QUICKSTART, "--json"),
]


@pytest.mark.parametrize("arguments", narrowed(WRITTEN, WRITTEN[1], WRITTEN[2]))
def test_a_reader_that_goes_away_is_no_traceback(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "amlwizard", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", narrowed(WRITTEN, WRITTEN[0]))
def test_a_full_disk_is_no_traceback(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "amlwizard", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


def test_the_version_is_told() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "amlwizard", "--version"], capture_output=True, text=True, cwd=ROOT
    )
    assert (ran.returncode, ran.stdout) == (0, f"amlwizard {version('amlwizard')}\n")


@pytest.mark.parametrize(
    "option", ["--port=99999", "--port=-1", "--port=x", "--speed=0", "--speed=nan", "--speed=-1"]
)
def test_a_sandbox_is_not_started_with_what_cannot_be(
    command: Callable[..., Ran], option: str
) -> None:
    ran = command("sandbox", option)
    assert ran.code == 2 and option.partition("=")[2] in ran.err and "Traceback" not in ran.err


def test_a_port_that_is_taken_is_an_error(command: Callable[..., Ran]) -> None:
    """Never another port: whoever named one is going to look for the sandbox there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = command("sandbox", "--port", str(port))
    assert (ran.code, ran.out) == (1, "") and f"port {port}: Address already in use" in ran.err


def test_what_a_sandbox_prints_is_pasted_into_another_shell_and_used_there(tmp_path: Path) -> None:
    run = [forking.python(), "-m", "amlwizard"]
    sandbox = subprocess.Popen(
        [*run, "sandbox", "--clock", "instant", "--approve"],
        env=environment({"AMLWIZARD_HOME": str(tmp_path / "first")}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert sandbox.stdout and sandbox.stderr
        printed = [sandbox.stdout.readline()]
        assert printed == [
            "# The sandbox is running; Ctrl-C ends it. Paste this into a second terminal:\n"
        ]
        while not printed[-1].startswith("# Subscription: "):
            printed.append(sandbox.stdout.readline())
        unset = next(line for line in printed if line.startswith("# When it has ended: "))
        second = ["replay", QUICKSTART, "--target", "sandbox", "--until", "sign-in"]
        told = subprocess.run(
            ["bash", "-c", "\n".join([
                "set -eu", "".join(printed), shlex.join([*run, *second]),
                unset.partition(": ")[2], 'echo "left: ${AMLWIZARD_SANDBOX-}"',
            ])],
            env=environment({"AMLWIZARD_HOME": str(tmp_path / "second")}),
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert told.returncode == 0 and told.stdout.endswith("left: \n"), told
        assert not (tmp_path / "second" / "sandbox").exists(), "it started none of its own"
        sandbox.send_signal(signal.SIGINT)
        assert sandbox.wait(PATIENCE) == 0
        assert sandbox.stderr.read() == "The sandbox has ended.\n"
    finally:
        sandbox.kill()
        sandbox.communicate()


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
    assert "not compared with any cloud" in out and "az aks create" in out


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
