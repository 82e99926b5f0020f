"""What the package holds and declares."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from support import RECIPES, ROOT, Ran

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


def undeclared(paths: Iterator[Path], requirements: list[str]) -> set[str]:
    have = provided(requirements)

    def known(module: str) -> bool:
        place = module.replace(".", "/")
        return place in have or f"{place}/__init__" in have

    return {module for path in paths for module in imported(path) if not known(module)}


def test_every_import_is_declared() -> None:
    assert undeclared(PACKAGE.rglob("*.py"), PROJECT["dependencies"]) == set()


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
