"""A new version of a model is tried beside the one that serves, and takes over, shares, or goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import RECIPES, ROOT, Ran, Sandbox, amlwizard
from support.journeys import Untrained

from amlwizard.steps.rollout import NEXT

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("own_models")]
NAMES = {"model": "scaled", "endpoint": "mle-rollout"}  # of this platform, no other test's
REQUEST = {"input_data": [[1.0, 1.0]]}


class Platform:
    """A platform whose model multiplies by the parameter scale."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.home, self.recipe = sandbox, folder / "home", folder / "own.yaml"
        shutil.copy(ROOT / "tests" / "notebooks" / "scaled.py", folder)

    def replay(self, scale: float, rollout: str, expected: float | None = None) -> Ran:
        given = yaml.safe_load((RECIPES / "quickstart.yaml").read_text())
        given["names"] |= NAMES
        given["training"] |= {"notebook": "scaled.py", "parameters": {"scale": scale}}
        given["serving"]["rollout"] = rollout
        given["scoring"] = {"request": REQUEST}
        given["expect"] = {"predictions": [3.0 * scale if expected is None else expected]}
        self.recipe.write_text(yaml.safe_dump(given))
        return self.command("replay", "--until", "score")

    def command(self, name: str, *options: str) -> Ran:
        return amlwizard(
            name, str(self.recipe), "--target", "sandbox", "--json", *options,
            AMLWIZARD_HOME=str(self.home), **self.sandbox.environment,
        )  # fmt: skip

    def served(self) -> dict[str, dict[str, int]]:
        """The traffic of the deployments of each version."""
        versions: list[dict[str, Any]] = json.loads(self.command("runs").out)["versions"]
        return {v["version"]: v.get("traffic", {}) for v in versions}


@pytest.fixture(scope="module")
def platform(untrained: Untrained, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    built = Platform(untrained.sandbox, tmp_path_factory.mktemp("platform"))
    first = built.replay(1, "replace")
    assert first.code == 0, first.err
    assert first.final("rollout")["outcome"] == "done"
    return built


def test_versions_fail_share_and_take_over(platform: Platform) -> None:
    assert platform.served() == {"1": {"ridge": 100}}

    wrong = platform.replay(2, "replace", expected=0.5)
    final = wrong.final("rollout")
    assert wrong.code == 1 and "Predictions" in final["what"] and "serves on" in final["why"]
    assert wrong.final("deployment")["outcome"] == "blocked"
    assert platform.served() == {"2": {}, "1": {"ridge": 100}}

    # What was wrong was the expectation: the same version is tried again.
    canary = platform.replay(2, "canary 10%")
    assert canary.code == 0 and canary.final("train")["outcome"] == "kept", canary.err
    shared = {"2": {f"ridge{NEXT}": 10}, "1": {"ridge": 90}}
    assert platform.served() == shared

    again = platform.replay(2, "canary 10%")
    assert again.code == 0 and again.final("rollout")["outcome"] == "kept", again.err
    assert platform.served() == shared

    taken = platform.replay(2, "replace")
    assert taken.code == 0, taken.err
    assert platform.served() == {"2": {"ridge": 100}, "1": {}}


@pytest.mark.breadth  # as the retrained model of test_journeys
def test_the_next_version_replaces_the_one_that_serves(platform: Platform) -> None:
    ran = platform.replay(3, "replace")
    assert ran.code == 0, ran.err
    assert ran.final("rollout")["outcome"] == "done"
    served = platform.served()
    assert served.pop("3") == {"ridge": 100} and not any(served.values())
