"""The MLflow server behind the workspaces of a sandbox: each has its own runs, models and database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from support import forking

from amlwizard.sandbox.children import Children
from amlwizard.sandbox.clock import Clock
from amlwizard.sandbox.entra import Tokens
from amlwizard.sandbox.ml.tracking import Tracking
from amlwizard.sandbox.ml.tracking_database import DATABASE
from amlwizard.sandbox.sockets import short
from amlwizard.sandbox.state import State

API = "/api/2.0/mlflow/"


@pytest.fixture
async def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tracking]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", forking.python())
    state, children = State.open(tmp_path, None, Clock("instant", 1)), Children(tmp_path)
    tracking = Tracking(state, Tokens(state), children)
    yield tracking
    tracking.stop()
    await children.stop()


async def asked(tracking: Tracking, guid: str, call: str, **sent: object) -> httpx.Response:
    url = await tracking.url(guid)
    return await tracking.client.post(f"{url}{API}{call}", json=sent)


async def found(tracking: Tracking, guid: str) -> list[str]:
    """Experiments, runs and registered models of a workspace."""
    experiments = (await asked(tracking, guid, "experiments/search", max_results=9)).json()
    ids = [one["experiment_id"] for one in experiments["experiments"]]
    runs = (await asked(tracking, guid, "runs/search", experiment_ids=ids)).json().get("runs", [])
    return [
        *(one["name"] for one in experiments["experiments"]),
        *(one["info"]["run_name"] for one in runs),
        *(one["name"] for one in await tracking.search(guid, "registered-models", "registered_models")),
    ]  # fmt: skip


async def test_workspaces_share_one_server_and_nothing_else(tracking: Tracking) -> None:
    """Even ids and names are each workspace's own. A database that was left half made is made anew."""
    unfinished = tracking.home("two") / f"{Path(DATABASE).stem}.new"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_text("half made")
    for guid in ("one", "two"):
        made = await asked(tracking, guid, "experiments/create", name="same")
        assert made.json() == {"experiment_id": "1"}
    run = await asked(tracking, "one", "runs/create", experiment_id="1", run_name="only")
    await asked(tracking, "one", "registered-models/create", name="model")

    assert await found(tracking, "one") == ["same", "Default", "only", "model"]
    assert await found(tracking, "two") == ["same", "Default"]
    theirs = {"run_id": run.json()["run"]["info"]["run_id"]}
    answer = await tracking.client.get(f"{await tracking.url('two')}{API}runs/get", params=theirs)
    assert answer.status_code == 404
    assert not unfinished.exists()

    assert len(tracking.children._processes) == 1
    tracking.forget("one")
    assert [path.parent.name for path in tracking.folder.rglob(DATABASE)] == ["two"]
    assert await tracking.search("one", "registered-models", "registered_models") == []
    assert await found(tracking, "two") == ["same", "Default"]
    again = await asked(
        tracking, "one", "experiments/create", name="same"
    )  # its state was put back
    assert again.json() == {"experiment_id": "1"}


async def test_a_server_that_cannot_start_says_where_to_look(
    tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(RuntimeError, match=r"server\.log"):
        await tracking.url("one")


def test_a_path_that_no_socket_can_have_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    with pytest.raises(OSError, match="too long for the address of a socket"):
        short(deep / "socket")
    assert short(tmp_path / "socket") == "socket"
