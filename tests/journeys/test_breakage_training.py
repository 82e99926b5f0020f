"""One platform on which everything after provisioning fails once, each time mended by a replay.

Every replay goes on from where the one before it failed: nothing is trained or built twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import RECIPES, Json, Ran, Sandbox, amlwizard, running
from support.breakage import failed
from support.faults import HTML
from support.journeys import SCORING_KEY

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("breakage_training")]

DENIED = {
    "error": {
        "code": "UserError",
        "message": "Access to workspace was denied based on workspace private link configuration.",
    }
}


@dataclass
class Platform:
    sandbox: Sandbox
    home: Path
    cells: list[int] = field(default_factory=list)

    def replay(self, *options: str) -> Ran:
        """A replay; afterwards `cells` has one number more: how many cells it ran."""
        before = self._executed()
        ran = amlwizard(
            "replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--json", *options,
            AMLWIZARD_HOME=str(self.home), **self.sandbox.environment,
        )  # fmt: skip
        self.cells.append(self._executed() - before)
        return ran

    def _executed(self) -> int:
        return sum(call.endswith("/commands/execute") for call in self.sandbox.calls)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running("--approve", "--clock", "instant") as sandbox:
        yield Platform(sandbox, tmp_path_factory.mktemp("platform"))


@pytest.fixture(scope="module")
def untracked(platform: Platform) -> Ran:
    """The workspace refuses the run. Meanwhile the endpoint is made, with its answers lost."""
    platform.sandbox.fault("POST .*/mlflow/runs/create", status=403, body=DENIED)
    platform.sandbox.fault("PUT .*/onlineEndpoints/[^/]*", mode="drop", times=1)
    platform.sandbox.fault("PUT .*/onlineEndpoints/[^/]*", status=503, times=1)
    ran = platform.replay()
    platform.sandbox.clear()
    return ran


@pytest.fixture(scope="module")
def other_mse(platform: Platform, untracked: Ran) -> Ran:
    return platform.replay("--set", "expect.metrics.mse.value=3000")


@pytest.fixture(scope="module")
def too_small(platform: Platform, other_mse: Ran) -> Ran:
    return platform.replay("--set", "serving.memory=256Mi")


@pytest.fixture(scope="module")
def overloaded(platform: Platform, too_small: Ran) -> Ran:
    platform.sandbox.fault("POST /api/v1/endpoint/.*/score", status=502, body={"message": "bad"})
    platform.sandbox.fault("PUT .*/deployments/[^/]*", mode="drop", times=1)
    platform.sandbox.fault("GET .*/deployments/[^/]*", status=503, times=1)
    ran = platform.replay()
    platform.sandbox.clear()
    return ran


@pytest.fixture(scope="module")
def locked(platform: Platform, overloaded: Ran) -> Ran:
    """The endpoint does not take the key that was fetched, and repeats it aloud."""
    platform.sandbox.control("plant", {"scoring_key": SCORING_KEY})
    said = {"message": f"The key {SCORING_KEY} is not valid."}
    platform.sandbox.fault("POST /api/v1/endpoint/.*/score", status=401, body=said)
    ran = platform.replay()
    platform.sandbox.clear()
    return ran


@pytest.fixture(scope="module")
def other_predictions(platform: Platform, locked: Ran) -> Ran:
    return platform.replay("--set", "expect.predictions=[235.114, 246.801, 160.0]")


ONCE: tuple[Json, ...] = (
    {"match": "POST .*/listKeys", "status": 502, "text": "<html></html>", "headers": HTML},
    {"match": "POST .*/listKeys", "status": 429, "code": "TooManyRequests"},
    {"match": "POST .*/score", "status": 429, "code": "TooManyRequests"},
    {"match": "POST .*/score", "status": 500, "text": ""},
    {"match": "POST .*/score", "status": 200, "text": "[235.1, "},
)


@pytest.fixture(scope="module")
def mended(platform: Platform, other_predictions: Ran) -> Ran:
    """What is throttled, down or cut off for a moment is asked again, with a request that the recipe
    leaves out."""
    platform.sandbox.control("faults", [{**fault, "times": 1} for fault in ONCE])
    without = ("--set", "scoring.request=null", "--set", "expect.predictions=null")
    ran = platform.replay(*without)
    platform.sandbox.clear()
    return ran


def test_a_cell_that_fails_fails_the_training(untracked: Ran) -> None:
    final = failed(untracked, "train")
    assert final["what"].startswith("Cell 4 failed:")
    assert "private endpoint" in final["why"]
    assert untracked.outcomes["endpoint"] == "done", "serving was prepared meanwhile"


def test_a_missed_mse_says_both_numbers(other_mse: Ran) -> None:
    final = failed(other_mse, "check-training")
    assert "mse: expected 3000 within 0.001, got 3424.856" in final["what"]
    assert other_mse.outcomes["train"] == "done"


def test_the_run_that_was_not_as_expected_is_not_registered(other_mse: Ran) -> None:
    assert other_mse.outcomes["register"] == "blocked"


def test_the_replay_after_it_goes_on_with_its_run(other_mse: Ran, too_small: Ran) -> None:
    run, kept = (ran.final("train")["outputs"] for ran in (other_mse, too_small))
    assert run["run_id"] == kept["run_id"] and run["metrics"] == kept["metrics"]
    assert too_small.outcomes["register"] == "done"


def test_a_failed_deployment_says_what_its_container_wrote(too_small: Ran) -> None:
    final = failed(too_small, "deployment")
    assert final["code"] == "PodOutOfMemory"
    assert "0.250Gi" in final["why"] and "Killed" in final["why"]


def test_an_endpoint_that_answers_5xx_fails_the_request(overloaded: Ran) -> None:
    final = failed(overloaded, "score")
    assert "502" in final["what"] and "deployment" in final["fix"]
    assert overloaded.of("step-started", "deployment")[0]["action"] == "update"


def test_a_refused_key_fails_the_request_and_is_not_shown(locked: Ran) -> None:
    final = failed(locked, "score")
    assert "401" in final["what"] and "key" in final["fix"]
    assert "The key *** is not valid." in final["why"]
    assert SCORING_KEY not in locked.out + locked.err


def test_missed_predictions_say_where_and_what_came(other_predictions: Ran) -> None:
    final = failed(other_predictions, "score")
    assert "at $[2] 160.0 within 0.001 is expected, and 163.68" in final["what"]
    assert "235.114, 246.801, 163.68" in final["why"]


def test_once_mended_it_scores_and_nothing_was_done_twice(mended: Ran, platform: Platform) -> None:
    assert mended.code == 0, mended.err
    assert mended.that_are("done") == {"sign-in", "preflight", "check-training", "score", "verify"}
    assert platform.sandbox.unknown == []


def test_a_request_that_is_left_out_is_built_and_told(mended: Ran) -> None:
    said = [event["message"] for event in mended.of("step-progress", "score")]
    assert any("no scoring.request is given" in text and "input_data" in text for text in said)
    predictions = mended.final("score")["outputs"]["predictions"]
    assert len(predictions) == 2, "for the rows of the input example"


def test_no_traceback_of_a_library_is_shown(mended: Ran) -> None:
    assert "Traceback" not in mended.err


def test_each_replay_did_what_was_left(mended: Ran, platform: Platform) -> None:
    """Training is fourteen cells and registration five. The training that failed in its fourth cell
    was ended by one more. The run with the missed MSE was not registered: the one after it finds that
    it has finished in four cells, serves
    its model in seven, and registers it. The last four only look around: the probe of
    the promises is three cells."""
    stopped, trained, both, *nothing = platform.cells
    assert (stopped, trained, both) == (5, 14, 16)
    assert nothing == [3, 3, 3, 3]
