"""The Training result page: its cells as they run, its numbers, its plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support import logged
from support.tui_support import GOLDEN, FakeBackend, at_page, page_of, recorded
from textual.app import App
from textual.widgets import OptionList, Static

from amlwizard.app.port import RunResult
from amlwizard.events import (
    Attachment,
    Event,
    RunStarted,
    StepFinished,
    StepInfo,
    StepProgress,
    StepStarted,
)
from amlwizard.journal import read
from amlwizard.plan.outputs import TrainingOutput
from amlwizard.tui.pages.training import TrainingPage, cells, pictures, result
from amlwizard.tui.widgets.scatter import Scatter
from amlwizard.view import RunView

SIZES = [(80, 24), (120, 36)]
CELLS = 14


def said(cell: int, title: str, **data: Any) -> StepProgress:
    return StepProgress(step="train", message="", data={"cell": cell, "title": title, **data})


def test_cells_run_one_after_the_other() -> None:
    log = [
        StepProgress(step="train", message="cluster pending"),
        said(1, "Load"),
        said(1, "Load", seconds=0.4, text="353 rows"),
        said(2, "Train"),
    ]
    first, second = cells(log)
    assert (first.state, first.seconds, first.text) == ("done", 0.4, "353 rows")
    assert second.state == "running"
    assert [cell.state for cell in cells(log, failed=True)] == ["done", "failed"]


def test_pictures_are_found_live_and_in_a_journal() -> None:
    live = said(1, "Draw", text="", seconds=0.1, **{"a.png": Attachment("a.png", b"x")})
    read = said(1, "Draw", text="", seconds=0.1, **{"a.png": {"file": "a.png"}})
    assert pictures([live]) == pictures([read]) == ["a.png"]


def shown(app: App[Any]) -> tuple[str, list[str], str]:
    """Numbers, cells, and what the plot's room holds."""
    page = page_of(app, TrainingPage)
    options = page.query_one("#cells", OptionList)
    prompts = [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]
    numbers = str(page.query_one("#numbers", Static).content)
    return numbers, prompts, str(page.query_one(Scatter).render())


@pytest.mark.parametrize("size", SIZES)
async def test_a_finished_run_shows_its_numbers_and_its_plot(size: tuple[int, int]) -> None:
    app = at_page("training-result", recorded())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        numbers, listed, plot = shown(app)
        assert "mse 3424.86" in numbers and "training_rows 353" in numbers
        assert "RMSE 58.522" in numbers and "diabetes-ridge version 1" in numbers
        assert "actual-vs-predicted.png, beside the journal" in numbers
        assert len(listed) == CELLS and all("✓" in line for line in listed)
        assert "predicted" in plot and "actual" in plot and "200" in plot
        for part in app.screen.query("#numbers, #cells, #plot, #printed"):
            assert app.screen.region.contains_region(part.region) and part.region.height > 3 - (part.id == "numbers")  # fmt: skip


def running(*log: StepProgress) -> RunView:
    steps = (StepInfo("train", "Training run", "train"),)
    view = RunView().apply(RunStarted(at=1, run="r", recipe="x", target="sandbox", steps=steps))
    view = view.apply(StepStarted(at=2, step="train", action="run"))
    for event in log:
        view = view.apply(event)
    return view


async def test_metrics_are_shown_as_they_are_logged() -> None:
    first = said(1, "Epoch 1", text="", seconds=1.0, result={"metrics": {"loss": 0.5}})
    second = said(2, "Epoch 2", text="", seconds=1.0, result={"metrics": {"loss": 0.25}})
    app = at_page("training-result", running(said(1, "Epoch 1"), first))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "loss 0.5" in shown(app)[0] and "Run" not in shown(app)[0]
        app.view = running(first, said(2, "Epoch 2"), second, said(3, "Save"))
        await pilot.pause()
        assert "loss 0.25" in shown(app)[0]


async def test_several_pictures_are_named_with_their_folder(tmp_path: Path) -> None:
    names = ("a.png", "b.png")
    drawn = said(1, "Draw", text="", seconds=0.1, result={"metrics": {"loss": 1}},
                 **{name: Attachment(name, b"x") for name in names})  # fmt: skip
    app = at_page("training-result", running(drawn))
    (tmp_path / "b.png").write_bytes(b"x")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "Pictures a.png, b.png, beside the journal" in shown(app)[0]
        app.ran = RunResult(0, "r", tmp_path / "recipe.yaml", tmp_path / "journal.jsonl")
        await pilot.pause()
        assert f"Pictures a.png, b.png, in {tmp_path}" in shown(app)[0]


async def test_the_training_page_grows_while_the_cells_run() -> None:
    app = at_page("training-result", recorded(5))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Training waits for" in shown(app)[0]
        counts = []
        for event in recorded_events():
            app.view = app.view.apply(event)
            if isinstance(event, StepProgress) and event.step == "train":
                await pilot.pause()
                counts.append(len(shown(app)[1]))
                if counts[-1] == 4:
                    assert "after the last cell" in shown(app)[2]
        assert counts == sorted(counts) and counts[-1] == CELLS


def recorded_events() -> list[Event]:
    view = recorded(5)
    return [event for event in read(GOLDEN) if event.at > view.now]


async def test_the_highlighted_cell_shows_what_it_printed() -> None:
    app = at_page("training-result", recorded())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.screen.query_one("#cells").focus()
        await pilot.press("home", *["down"] * 6)
        await pilot.pause()
        text = str(app.screen.query_one("#text", Static).content)
        assert text == "353 rows to train on, 89 to test on"


async def test_the_picture_is_named_where_it_was_saved(tmp_path: Path) -> None:
    app = at_page("training-result", recorded())
    (tmp_path / "actual-vs-predicted.png").write_bytes(b"x")
    async with app.run_test(size=(120, 36)) as pilot:
        app.ran = RunResult(0, "r", tmp_path / "recipe.yaml", tmp_path / "journal.jsonl")
        await pilot.pause()
        assert str(tmp_path / "actual-vs-predicted.png") in shown(app)[0].replace("\n", "")


def kept() -> RunView:
    steps = (StepInfo("train", "Training run", "train"),)
    view = RunView().apply(RunStarted(at=1, run="r", recipe="x", target="sandbox", steps=steps))
    outputs = TrainingOutput("abc", "diabetes", {"mse": 3424.8567}, logged({})).to_json()
    return view.apply(StepFinished(at=2, step="train", outcome="kept", outputs=outputs))


class Remembers(FakeBackend):
    def trained(self, run_id: str) -> Sequence[StepProgress]:
        self.asked.append(run_id)
        return recorded().steps["train"].log


async def test_a_run_that_was_kept_is_shown_from_its_own_journal() -> None:
    backend = Remembers()
    app = at_page("training-result", kept(), backend)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        numbers, listed, plot = shown(app)
        assert "nothing was trained again" in numbers and "mse 3424.86" in numbers
        assert len(listed) == CELLS and "predicted" in plot
        assert backend.asked == ["abc"]


async def test_without_that_journal_its_numbers_still_stand() -> None:
    app = at_page("training-result", kept())
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        numbers, _, plot = shown(app)
        assert "mse 3424.86" in numbers and "whose journal is not on this machine" in plot


def test_the_result_is_the_last_one() -> None:
    assert result(recorded().steps["train"].log)["params"] == {"alpha": "0.03"}
    assert result([]) == {}
