"""A requirement of a notebook is held against the package index and the runtime's Python before
anything is built."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import pytest
from support import RECIPES, Command, Sandboxes, recipe_of

from amlwizard.cloud.facts import CloudFacts
from amlwizard.cloud_port import PackageRelease
from amlwizard.preflight import Situation, requirements

WHEELS = frozenset({"cp310", "cp311"})


def found(*releases: PackageRelease, spark_version: str = "16.4.x-scala2.12") -> list[str]:
    recipe = recipe_of("quickstart", training__spark_version=spark_version)
    here = Situation(recipe, "r", "sandbox", "a", "s", (), (), {}, CloudFacts())
    return [f.what for f in requirements.installable(replace(here, releases=releases))]


@pytest.mark.parametrize(
    ("release", "said"),
    [
        (PackageRelease("a==1"), ""),
        (PackageRelease("a==1", is_there=False), "The package index does not have a==1."),
        (PackageRelease("a==1", python=">=3.10"), ""),
        (PackageRelease("a==1", python=">=3.8,<3.12"), "does not support Python 3.12"),
        (PackageRelease("a==1", tags=WHEELS), ""),
        (
            PackageRelease("a==1", tags=frozenset({"cp313"}), from_source=False),
            "not support Python 3.12",
        ),
        (PackageRelease("a==1", tags=frozenset({"cp312"}), from_source=False), ""),
        (PackageRelease("a==1", tags=frozenset({"py3"}), from_source=False), ""),
        (PackageRelease("a==1", python="what"), ""),
    ],
)
def test_what_pip_would_refuse_is_said(release: PackageRelease, said: str) -> None:
    told = found(release)
    assert [said in what for what in told] == ([True] if said else [])


def test_the_sandboxs_index_has_what_is_installed(sandbox: Sandboxes) -> None:
    here = f"packaging=={version('packaging')}"
    releases = sandbox().cloud().releases([here, "packaging==0.0.1", "no-such-package==1.0"])
    assert [r.is_there for r in releases] == [True, False, False]
    assert releases[0].python.startswith(">=3")


def test_an_index_that_does_not_answer_stops_nothing(sandbox: Sandboxes) -> None:
    running = sandbox()
    running.fault("GET /packages/.*", status=503, text="", times=9)
    assert running.cloud().releases(["packaging==24.0"]) == []


def test_a_requirement_that_is_not_there_is_told_before_anything_is_built(
    sandbox: Sandboxes, command: Command
) -> None:
    ran = command(
        "preflight", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--set",
        "training.requirements=[no-such-package==1.0]", "--json", **sandbox().environment,
    )  # fmt: skip
    assert ran.code == 2 and "The package index does not have no-such-package==1.0." in ran.out
