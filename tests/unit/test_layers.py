"""Imports point one way, the sandbox is an island, and a class name means one class."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict

from support import ROOT

CLASS = re.compile(r"^\s*class (\w+)\s*[(:\[]", re.MULTILINE)


def test_import_contracts_hold() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_a_class_name_means_one_class() -> None:
    """A reader who meets a name anywhere knows what it is."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "src").rglob("*.py")):
        for name in CLASS.findall(path.read_text()):
            places[name].append(str(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
