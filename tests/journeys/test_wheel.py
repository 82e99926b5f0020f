"""The wheel, alone in a fresh environment and far from the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import PATIENCE, ROOT, Ran, environment

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]
UNREACHED = ("Failed to fetch", "network", "no network", "dns error")
REPLAY = ("amlwizard", "replay", "quickstart.yaml", "--target", "sandbox")
IMPORT_ALL = """
import importlib, pkgutil, amlwizard
for module in pkgutil.walk_packages(amlwizard.__path__, "amlwizard."):
    parts = module.name.split(".")
    if not {"sandbox", "notebook", "serving", "__main__"} & set(parts):  # serving: in a container
        importlib.import_module(module.name)
"""


def uv(*arguments: str) -> str:
    """Run uv; where it cannot reach the package index, the test is skipped."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", "--quiet", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if done.returncode and any(word in done.stderr for word in UNREACHED):
        pytest.skip(f"the package index is not reached: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Installed:
    """An environment that holds the wheel, and a folder to run commands in."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"

    def add(self, *what: str) -> None:
        """Install packages in the versions of the lock file, linked to uv's cache."""
        lock = str(ROOT / "requirements.txt")
        uv("pip", "install", "--python", str(self.python), "--constraint", lock, *what)

    def compiled(self) -> None:
        """Copy what our own environment has compiled. Python uses what was compiled of equal files;
        everything else it compiles as ever."""
        ours = Path(sysconfig.get_path("purelib"))
        theirs = self.folder / "env" / ours.relative_to(sys.prefix)
        for folder in ours.rglob("__pycache__"):
            there = theirs / folder.relative_to(ours)
            if there.parent.exists() and not there.exists():
                shutil.copytree(folder, there)

    def run(self, *arguments: str) -> Ran:
        """Run a program of the environment."""
        done = subprocess.run(
            [self.python.parent / arguments[0], *arguments[1:]],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment({"AMLWIZARD_HOME": str(self.folder / "home")}),
            timeout=PATIENCE,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--no-build-isolation", "--out-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def installed(wheel: Path, folder: Path, python: str) -> Installed:
    found = subprocess.run(
        [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", python],
        capture_output=True,
    )
    if found.returncode:
        pytest.skip(f"there is no Python {python} here")
    uv("venv", "--no-python-downloads", "--python", python, str(folder / "env"))
    made = Installed(folder)
    made.add(str(wheel))
    return made


@pytest.mark.parametrize(
    "python",
    ["3.11", *(pytest.param(f"3.{minor}", marks=pytest.mark.breadth) for minor in (12, 13, 14))],
)
def test_the_wheel_alone_knows_its_version_and_its_recipes(
    wheel: Path, tmp_path: Path, python: str
) -> None:
    made = installed(wheel, tmp_path, python)
    assert made.run("amlwizard", "--version").out == f"amlwizard {wheel.name.split('-')[1]}\n"
    assert "quickstart" in made.run("amlwizard", "recipes", "list").out
    assert made.run("amlwizard", "recipes", "copy", "quickstart").code == 0
    assert "使い方" in made.run("amlwizard", "--lang", "ja", "--help").out
    assert made.run("amlwizard", "check", "quickstart.yaml").code == 0
    assert made.run("python", "-c", IMPORT_ALL) == Ran(0, "", ""), "an import is not declared"


@pytest.fixture
def complete(wheel: Path, tmp_path: Path) -> Installed:
    """With the sandbox, by the command that its refusal names, in the versions of the lock file."""
    made = installed(wheel, tmp_path, sys.executable)
    made.run("amlwizard", "recipes", "copy", "quickstart")
    refused = made.run(*REPLAY)
    assert refused.code == 2
    assert f"uv pip install -p {made.python} 'amlwizard[sandbox]'" in refused.err
    made.add("amlwizard[sandbox]")
    made.compiled()
    return made


@pytest.mark.breadth
def test_the_command_that_adds_the_sandbox_adds_it(complete: Installed) -> None:
    ran = complete.run(*REPLAY, "--until", "provision", "--clock", "instant")
    assert ran.code == 0, ran.err
    assert (
        complete.run("python", "-c", "import azureml_inference_server_http, mlflow.server").code
        == 0
    )


@pytest.mark.breadth
def test_the_demo_succeeds_from_the_wheel(complete: Installed) -> None:
    ran = complete.run(*REPLAY)
    assert ran.code == 0, ran.err
    assert "Predictions" in ran.out and "26 of 26 kept" in ran.out
