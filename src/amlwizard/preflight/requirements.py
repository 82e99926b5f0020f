"""Checks of a notebook's requirements against the package index and the runtime's Python."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from amlwizard.cloud_port import PackageRelease
from amlwizard.errors import Finding
from amlwizard.language import _, sentences
from amlwizard.preflight.situation import Situation
from amlwizard.rules.runtimes import python_of

FIELD = "training.requirements"


def installable(s: Situation) -> Iterator[Finding]:
    """Requirements that the cluster's pip would refuse."""
    python = python_of(s.recipe.training.spark_version)
    for release in s.releases:
        if not release.is_there:
            yield _finding(
                release,
                _(
                    "The package index does not have {requirement}.",
                    requirement=release.requirement,
                ),
                _("Correct its name or version; pypi.org lists the versions of each package."),
            )
        elif python and not _is_for(release, python):
            runtime, version = s.recipe.training.spark_version, ".".join(map(str, python))
            yield _finding(
                release,
                _(
                    "{requirement} does not support Python {version} of the runtime {runtime}.",
                    requirement=release.requirement,
                    version=version,
                    runtime=runtime,
                ),
                sentences(
                    _("Choose another version of the package, or another Databricks runtime."),
                    _("It needs Python {version}.", version=release.python)
                    if release.python
                    else "",
                ),
            )


def _finding(release: PackageRelease, what: str, fix: str) -> Finding:
    why = _("It is installed on the cluster before the notebook runs.")
    return Finding("requirement-not-installable", "error", (FIELD,), what, why, fix)


def _is_for(release: PackageRelease, python: tuple[int, int]) -> bool:
    """Whether pip installs a release under a Python: its metadata allows it, and there is a wheel
    for it or the source."""
    try:
        allowed = SpecifierSet(release.python).contains(f"{python[0]}.{python[1]}.99")
    except InvalidSpecifier:
        allowed = True
    if not allowed:
        return False
    return release.from_source or any(_fits(tag, python) for tag in release.tags)


def _fits(tag: str, python: tuple[int, int]) -> bool:
    """Whether wheels with a Python tag are for it; those of the stable ABI, for all that follow."""
    if tag.startswith("py"):
        return tag in ("py3", f"py{python[0]}{python[1]}", "py2.py3")
    digits = tag.removeprefix("cp")
    return digits[:1] == str(python[0]) and digits[1:].isdigit() and int(digits[1:]) <= python[1]
