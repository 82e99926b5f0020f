"""Python on the node of a cluster: makes virtual environments, installs requirements into them, and runs
scripts in them.

Nothing is ever installed: a requirement that this installation does not satisfy fails as with pip, and
in an environment only what was "installed" there can be imported. The first argument is the folder of
the environment (empty outside of one), the others are Python's.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from amlwizard.sandbox.children import program
from amlwizard.sandbox.ml import user_environment
from amlwizard.sandbox.ml.user_environment import UserEnvironment

REQUIREMENTS = "requirements.txt"


def _install(environment: Path, arguments: Sequence[str]) -> str:
    """pip's error, if there is one."""
    lines = [
        line
        for option, file in pairwise(arguments)
        if option in ("-r", "--requirement")
        for line in Path(file).read_text().splitlines()
    ]
    (environment / REQUIREMENTS).write_text("\n".join(lines) + "\n")
    wanted = UserEnvironment(lines)
    if wanted.old_server:
        return ""  # which pip installs
    errors = filter(None, (_error(one, wanted) for one in wanted.asked))
    return next(errors, "")


def _error(asked: Requirement, wanted: UserEnvironment) -> str:
    """What pip says of a requirement that this installation does not satisfy."""
    name = canonicalize_name(asked.name)
    found = wanted.installed.get(name)
    applies = asked.marker is None or asked.marker.evaluate()
    if not applies or (found and asked.specifier.contains(found.version, prereleases=True)):
        return ""
    for other in wanted.asked:
        bringing = wanted.installed.get(canonicalize_name(other.name))
        brought = bringing.brought if bringing else []
        if any(canonicalize_name(one.name) == name and _excludes(one, asked) for one in brought):
            return (
                f"ERROR: Cannot install {other} and {asked} because these package versions have "
                "conflicting dependencies.\nERROR: ResolutionImpossible: for help visit "
                "https://pip.pypa.io/en/latest/topics/dependency-resolution/"
            )
    return (
        f"ERROR: Could not find a version that satisfies the requirement {asked} "
        f"(from versions: {found.version if found else 'none'})\n"
        f"ERROR: No matching distribution found for {asked}"
    )


def _excludes(one: Requirement, other: Requirement) -> bool:
    """Whether `other` admits none of the lower bounds of `one`."""
    lowest = [part.version for part in one.specifier if part.operator in (">=", "==", "~=")]
    return bool(lowest) and not any(map(other.specifier.contains, lowest))


def _pip(arguments: Sequence[str]) -> int:
    python = Path(arguments[arguments.index("--python") + 1])
    error = _install(python.parents[1], arguments)
    print(error)
    return 1 if error else 0


def _script(environment: str, script: str, arguments: Sequence[str]) -> int:
    user_environment.restrict_to((Path(environment) / REQUIREMENTS).read_text().splitlines())
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")
    return 0


def main(environment: str, *arguments: str) -> int:
    if arguments[:2] == ("-m", "venv"):
        folder = Path(arguments[-1])
        program(folder / "bin" / "python", __spec__.name, str(folder))
        return 0
    if arguments[:2] == ("-m", "pip"):
        return _pip(arguments)
    if not environment or not arguments or arguments[0].startswith("-"):
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - itself
    return _script(environment, arguments[0], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
