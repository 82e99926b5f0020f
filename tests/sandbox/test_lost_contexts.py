"""What a notebook runs in may go: the cluster, its driver, the context. The cells run once more, and
then it is told what is gone; a cell that fails by itself is never repeated."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from threading import Event as CancelEvent
from typing import Any

import pytest
from support.faults import FAULTS
from support.platforms import Platform

from amlwizard.errors import CloudError, StepError

pytestmark = pytest.mark.xdist_group("refusals")

EXECUTE = "POST /api/1.2/commands/execute"
CELLS = ("# Begin\nprint('begun')", "# End\nprint('amlwizard:{\"mse\": 1}')")
DISRUPTIONS = {
    "terminate": "The Databricks cluster terminated in the meantime: COMMUNICATION_LOST",
    "lose-contexts": "Databricks has lost the execution context of the notebook",
}
# What API 1.2 says to a context that it does not know, as databricks-sdk parses it (`error`), and
# what clients of it have met.
WORDS: dict[str, tuple[int, dict[str, str]]] = {
    "1.2": (500, {"error": "ContextNotFound: execution context 1 is not known"}),
    "2.0": (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "invalid context id"}),
}

Run = Callable[..., Any]


@pytest.fixture
def run(platform: Platform) -> Run:
    made = platform.outputs["databricks"]
    client = platform.cloud.databricks(made["url"], made["id"])

    def ran(*cells: str, said: list[str], **options: Any) -> Any:
        cluster = platform.outputs["databricks-cluster"]["id"]
        client.have_running(cluster, lambda *_, **__: None, CancelEvent())
        return client.run_cells(
            cluster, cells, lambda message, _=None: said.append(message), CancelEvent(), **options
        )

    return ran


@pytest.mark.parametrize("disruption", DISRUPTIONS)
def test_what_is_lost_at_a_cell_is_found_again_and_all_cells_run(
    platform: Platform, run: Run, disruption: str
) -> None:
    said: list[str] = []
    platform.sandbox.fault(EXECUTE, holds="# End", mode=disruption, times=1)
    assert run(*CELLS, said=said)[-1].data == {"mse": 1}
    assert f"{DISRUPTIONS[disruption]}. The notebook starts again." in said
    assert said.count("cell 1 of 2: done") == 2
    assert ("starting the cluster again" in said) == (disruption == "terminate")


def test_a_start_whose_answer_is_lost_is_the_only_one(platform: Platform, run: Run) -> None:
    starting = "POST /api/2.1/clusters/start"
    before = platform.sandbox.received(starting)
    platform.sandbox.fault(EXECUTE, holds="# End", mode="terminate", times=1)
    platform.sandbox.fault(starting, mode="drop", times=1)
    assert run(*CELLS, said=[])[-1].data == {"mse": 1}
    assert platform.sandbox.received(starting) == before + 1


@pytest.mark.parametrize("disruption", DISRUPTIONS)
def test_what_is_lost_while_a_cell_runs_is_found_again_and_all_cells_run(
    platform: Platform, run: Run, disruption: str
) -> None:
    said: list[str] = []
    platform.sandbox.fault("GET /api/1.2/commands/status", mode=disruption, times=1)
    assert run(*CELLS, said=said)[-1].data == {"mse": 1}
    assert f"{DISRUPTIONS[disruption]}. The notebook starts again." in said


@pytest.mark.parametrize("disruption", DISRUPTIONS)
def test_what_is_lost_again_ends_the_notebook_and_is_told(
    platform: Platform, run: Run, disruption: str
) -> None:
    said: list[str] = []
    platform.sandbox.fault(EXECUTE, holds="# End", mode=disruption, times=2)
    with pytest.raises(CloudError) as lost:
        run(*CELLS, said=said, closing=lambda status: f"# Close as {status}")
    assert lost.value.what == f"{DISRUPTIONS[disruption]}."
    assert lost.value.why and "continues where it stopped" in lost.value.fix
    assert said.count("cell 1 of 2: done") == 2


@pytest.mark.parametrize("version", WORDS)
def test_however_databricks_words_that_it_knows_no_context_it_is_lost(
    platform: Platform, run: Run, version: str
) -> None:
    status, body = WORDS[version]
    said: list[str] = []
    created = "POST /api/1.2/contexts/create"
    before = platform.sandbox.received(created)

    def plant() -> None:
        """Once the context is open: until then its status is asked, too."""
        if not said[1:]:
            again = {"status": status, "body": body, "times": 3 if status >= 500 else 1}
            for what in ("commands", "contexts"):
                platform.sandbox.fault(f"GET /api/1.2/{what}/status", **again)

    try:
        assert run(*CELLS, said=said, before_each=plant)[-1].data == {"mse": 1}
    finally:
        platform.sandbox.clear()
    assert platform.sandbox.received(created) == before + 2


def test_a_cell_that_fails_by_itself_runs_once(platform: Platform, run: Run) -> None:
    said: list[str] = []
    with pytest.raises(StepError, match="Cell 1 failed: ValueError: none"):
        run("# Fail\nraise ValueError('none')", said=said)
    assert said == ["cell 1 of 1: Fail"]


def test_libraries_are_there_before_the_first_cell_of_a_cluster_that_started_again(
    platform: Platform, run: Run
) -> None:
    """Databricks installs them when a cluster starts, and runs cells meanwhile."""
    said: list[str] = []
    platform.sandbox.fault(EXECUTE, holds="# End", mode="terminate", times=1)
    failed = {"library_statuses.0.status": "FAILED", "library_statuses.0.messages": ["no index"]}
    platform.sandbox.fault("GET /api/2.0/libraries/cluster-status", edit=failed)
    try:
        with pytest.raises(StepError, match="Libraries could not be installed") as error:
            run(*CELLS, said=said)
    finally:
        platform.sandbox.clear()
    assert error.value.why == "no index" and "package index" in error.value.fix


def test_a_cluster_that_terminates_while_it_installs_is_not_waited_for(platform: Platform) -> None:
    """Its libraries stay pending until it starts again."""
    made, cluster = platform.outputs["databricks"], platform.outputs["databricks-cluster"]["id"]
    client = platform.cloud.databricks(made["url"], made["id"])
    client.have_running(cluster, lambda *_, **__: None, CancelEvent())
    platform.sandbox.fault("GET /api/2.0/libraries/cluster-status", mode="terminate", times=1)
    with pytest.raises(StepError, match="terminated in the meantime: COMMUNICATION_LOST") as error:
        client.install_libraries(cluster, ["mlflow==2.22.5"], lambda *_, **__: None, CancelEvent())
    assert error.value.why and "replay" in error.value.fix


def test_libraries_that_databricks_has_not_taken_are_asked_for_again(platform: Platform) -> None:
    """An empty answer is no error to its SDK, and says as little when it comes from a proxy."""
    made, cluster = platform.outputs["databricks"], platform.outputs["databricks-cluster"]["id"]
    client = platform.cloud.databricks(made["url"], made["id"])
    client.have_running(cluster, lambda *_, **__: None, CancelEvent())
    package = f"rich=={version('rich')}"  # which the sandbox's index has
    platform.sandbox.fault("POST .*/libraries/install", times=1, **FAULTS["empty"])
    client.install_libraries(cluster, [package], lambda *_, **__: None, CancelEvent())
    assert client.library_status(cluster)[package] == "INSTALLED"
