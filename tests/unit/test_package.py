"""What the package holds and declares."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pexpect
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import PATIENCE, RECIPES, ROOT, Ran, environment
from support.tui_support import walking, wizard

from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.cli import main
from amlwizard.draft import from_file
from amlwizard.recipe import load
from amlwizard.recipe.bundled import BUNDLED

PACKAGE = ROOT / "src" / "amlwizard"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def imported(path: Path) -> Iterator[str]:
    """The modules of others that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [str(node.module)]
        for name in names:
            if name.partition(".")[0] not in {*sys.stdlib_module_names, "amlwizard"}:
                yield name


def provided(requirements: list[str]) -> set[str]:
    """The files, without their suffixes, that the distributions themselves install."""
    files = (file for r in requirements for file in distribution(Requirement(r).name).files or ())
    return {str(file).partition(".")[0] for file in files}


def undeclared(paths: Iterable[Path], requirements: list[str]) -> set[str]:
    have = provided(requirements)

    def known(module: str) -> bool:
        place = module.replace(".", "/")
        return place in have or f"{place}/__init__" in have

    return {module for path in paths for module in imported(path) if not known(module)}


def in_the_cloud(path: Path) -> bool:
    """Of the sandbox, a cell of a notebook or the scoring script: none is imported by the product."""
    return bool({"sandbox", "notebook", "serving"} & set(path.relative_to(PACKAGE).parts))


def test_every_import_is_declared() -> None:
    paths = set(PACKAGE.rglob("*.py"))
    cloud = {path for path in paths if in_the_cloud(path)}
    declared, extra = PROJECT["dependencies"], PROJECT["optional-dependencies"]["sandbox"]
    assert undeclared(paths - cloud, declared) == set()
    assert undeclared(cloud, declared + extra) == set()


def test_the_lock_file_holds_every_requirement_by_hash_and_names_no_host() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text and "index-url" not in text
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert all("--hash=sha256:" in entry for entry in entries)
    locked = dict(re.findall(r"^([\w.-]+)==([^ ]+)", text, re.M))
    assert len(locked) == len(entries)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extra = project["project"]["optional-dependencies"]["sandbox"]
    tools = project["dependency-groups"]["test"]
    for text in [*project["project"]["dependencies"], *extra, *tools]:
        wanted = Requirement(text)
        assert locked[canonicalize_name(wanted.name)] in wanted.specifier, "make lock"


@pytest.fixture
def without_the_sandbox(tmp_path: Path) -> str:
    """A folder for PYTHONPATH that makes the package's metadata name what is not installed."""
    folder = tmp_path / "metadata" / "amlwizard-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: amlwizard\nVersion: 0\nProvides-Extra: sandbox\n"
        "Requires-Dist: rich\nRequires-Dist: not-installed>=1; extra == 'sandbox'\n"
        "Requires-Dist: starlette; extra == 'sandbox'\n"
    )
    return str(folder.parent)


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox"),
        ("sandbox",),
        ("demo", "--record", "demo.cast"),
    ],
)
def test_without_its_extra_the_sandbox_says_the_command_that_adds_it(
    without_the_sandbox: str, tmp_path: Path, arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.syspath_prepend(without_the_sandbox)
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    monkeypatch.delenv("AMLWIZARD_SANDBOX", raising=False)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "'amlwizard[sandbox]'" in said and "not-installed" in said and "starlette" not in said


def test_the_wizard_says_it_too(without_the_sandbox: str, tmp_path: Path) -> None:
    more = {"PYTHONPATH": without_the_sandbox, "AMLWIZARD_HOME": str(tmp_path), "TERM": "xterm"}
    person = pexpect.spawn(
        sys.executable,
        ["-m", "amlwizard", "--target", "sandbox"],
        env=environment(more),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    person.expect(re.escape("'amlwizard[sandbox]'"))
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 2


async def test_the_wizard_says_it_at_the_sign_in(
    without_the_sandbox: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(without_the_sandbox)
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    monkeypatch.delenv("AMLWIZARD_SANDBOX", raising=False)
    with Application(Choice(attended=True)) as application:
        draft = from_file(RECIPES / "quickstart.yaml")
        draft.page = "sign-in"
        async with walking(wizard(application, draft)) as walk:
            await walk.press("ctrl+l")
            await walk.see("The sandbox is not installed.")
            await walk.see("'amlwizard[sandbox]'")


def test_the_bundled_recipes_are_those_at_the_top(command: Callable[..., Ran]) -> None:
    assert {path.stem for path in RECIPES.glob("*.yaml")} == set(BUNDLED)
    out = command("recipes", "list").out
    assert all(f"{name} " in out for name in BUNDLED)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_copied_recipe_is_the_bundled_one(
    command: Callable[..., Ran], tmp_path: Path, name: str
) -> None:
    to = tmp_path / "mine.yaml"
    ran = command("recipes", "copy", name, "-o", str(to))
    assert ran.code == 0 and str(to) in ran.err
    assert load(to) == load(RECIPES / f"{name}.yaml")
    assert "$schema" not in to.read_text(), "no schema is beside it"


def test_a_recipe_is_copied_with_its_notebook(command: Callable[..., Ran], tmp_path: Path) -> None:
    to, notebook = tmp_path / "mine.yaml", tmp_path / "spark.py"
    notebook.write_text("mine")
    ran = command("recipes", "copy", "spark", "-o", str(to))
    assert ran.code == 2 and f"{notebook} exists already" in ran.err and not to.exists()
    assert command("recipes", "copy", "spark", "-o", str(to), "--force").code == 0
    assert notebook.read_text() == (RECIPES / "spark.py").read_text()


def test_a_copy_overwrites_nothing_unasked(command: Callable[..., Ran], tmp_path: Path) -> None:
    to = tmp_path / "mine.yaml"
    to.write_text("mine")
    ran = command("recipes", "copy", "quickstart", "-o", str(to))
    assert ran.code == 2 and "exists already" in ran.err and "--force" in ran.err
    assert to.read_text() == "mine"
    assert command("recipes", "copy", "quickstart", "-o", str(to), "--force").code == 0
    assert load(to) == load(RECIPES / "quickstart.yaml")


def test_a_recipe_that_is_not_there_and_a_folder_that_is_not_there_are_said(
    command: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = command("recipes", "copy", "quikstart")
    assert ran.code == 2 and "Did you mean quickstart?" in ran.err
    ran = command("recipes", "copy", "quickstart", "-o", str(tmp_path / "no" / "where.yaml"))
    assert ran.code == 2 and "cannot be written" in ran.err


def test_on_windows_a_command_ends_in_a_sentence() -> None:
    code = (
        "import sys\nfrom amlwizard.cli import main\n"
        "main()\n"  # loads what it needs, from here
        "sys.platform = 'win32'\nsys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "no/such.yaml"], capture_output=True, text=True
    )
    assert done.returncode == 2 and "WSL" in done.stderr and "Traceback" not in done.stderr
