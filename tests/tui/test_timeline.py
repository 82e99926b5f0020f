"""The timeline: where bars and labels fall, and the widget that paints them."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tui_support import recorded, until
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll

from amlwizard import durations
from amlwizard.events import Event, RunStarted, StepFinished, StepInfo, StepStarted
from amlwizard.plan import PHASES
from amlwizard.step_titles import PHASE_TITLES
from amlwizard.tui.widgets.timeline import COLOURS, Timeline, TimelineBar, bars, rows, ticks
from amlwizard.view import RunView, StepView


def expected(view: RunView) -> dict[str, float]:
    return {step: durations.sandboxed(step, 60) for step in view.steps}


def small(*events: Event) -> RunView:
    """Steps a, then b and c, then d; the run began at 100."""
    graph: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    infos = tuple(StepInfo(s, s.upper(), "provision", names) for s, names in graph.items())
    view = RunView().apply(RunStarted(at=100, run="r", recipe="x", target="azure", steps=infos))
    for event in events:
        view = view.apply(event)
    return view


SECONDS = {"a": 10, "b": 20, "c": 50, "d": 5}


def spans(view: RunView, now: float) -> dict[str, tuple[float, float, float]]:
    return {
        b.step.info.id: (b.begins, b.done_at, b.ends) for b in bars(view, SECONDS, now)
    }  # fmt: skip


def test_before_it_begins_all_is_expected() -> None:
    assert spans(small(), 100) == {
        "a": (0, 0, 10),
        "b": (10, 10, 30),
        "c": (10, 10, 60),
        "d": (60, 60, 65),
    }


def test_what_runs_late_moves_what_comes_after() -> None:
    view = small(
        StepStarted(at=100, step="a", action="create"),
        StepFinished(at=108, step="a", outcome="done"),
        StepStarted(at=109, step="c", action="create"),
    )
    assert spans(view, 200) == {
        "a": (0, 8, 8),
        "c": (9, 100, 100),
        "b": (100, 100, 120),
        "d": (120, 120, 125),
    }


def test_the_chain_that_decides_is_marked() -> None:
    drawn = bars(small(), SECONDS, 100)
    assert [b.step.info.id for b in drawn if b.critical] == ["a", "c", "d"]


def test_a_failure_and_its_consequences_stand_where_they_fell() -> None:
    view = small(
        StepStarted(at=100, step="a", action="create"),
        StepFinished(at=104, step="a", outcome="failed", what="no"),
        *(StepFinished(at=104, step=s, outcome="blocked", because="a") for s in "bcd"),
    )
    assert spans(view, 500) == {"a": (0, 4, 4), **dict.fromkeys("bcd", (4, 4, 4))}
    labels = [row.label for row in rows(bars(view, SECONDS, 500), 40, 4)]
    assert labels == ["◆ A failed", "B blocked", "C blocked", "D blocked"]


bars_of = st.builds(
    lambda begins, worked, left, title, state: TimelineBar(
        StepView(StepInfo("x", title, "train"), state), begins, begins + worked,
        begins + worked + left,
    ),
    st.floats(0, 5000), st.floats(0, 900), st.floats(0, 900), st.text("abc de", min_size=1,
    max_size=60), st.sampled_from(["done", "running", "waiting", "kept", "failed", "blocked"]),
)  # fmt: skip


@given(st.lists(bars_of, min_size=1, max_size=8), st.integers(20, 200))
def test_bars_and_labels_stay_on_their_line(drawn: list[TimelineBar], width: int) -> None:
    total = max(bar.ends for bar in drawn)
    for row in rows(drawn, width, total):
        assert 0 <= row.start <= row.solid <= row.stop <= width and row.start < row.stop
        assert row.at >= 0 and row.at + len(row.label) <= width
        apart = row.at >= row.stop or row.at + len(row.label) <= row.start
        room = max(row.start, width - row.stop) - 1
        assert apart or len(row.label) > room
        assert row.bar.step.info.title in row.label or len(row.bar.step.info.title) + 2 > width


def test_no_name_of_a_real_run_is_cut_at_80_columns() -> None:
    for seconds in (0.1, 3, 12, 1e9):
        view = recorded(seconds)
        drawn = bars(view, expected(view), view.now)
        for row in rows(drawn, 78, max(bar.ends for bar in drawn)):
            assert row.bar.step.info.title in row.label


def test_every_phase_has_its_title_and_colour() -> None:
    assert set(PHASES) <= set(PHASE_TITLES) and set(PHASES) <= set(COLOURS)


@pytest.mark.parametrize("total", [0, 0.4, 9, 31, 61, 500, 1800, 9000, 40000])
def test_the_axis_has_round_times_that_do_not_touch(total: float) -> None:
    marks = ticks(78, total)
    assert marks[0] == (0, "0:00")
    assert all(b > a + len(text) for (a, text), (b, _) in pairwise(marks))
    assert all(at + len(text) <= 78 for at, text in marks)


class Chart(App[None]):
    def __init__(self, view: RunView) -> None:
        super().__init__()
        self.view = view

    def compose(self) -> ComposeResult:
        yield Timeline()

    def on_mount(self) -> None:
        self.query_one(Timeline).show(self.view, expected(self.view))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_timeline_follows_running_steps_until_the_user_scrolls(
    size: tuple[int, int],
) -> None:
    app = Chart(recorded(3))
    async with app.run_test(size=size) as pilot:
        chart, scroll = app.query_one(Timeline), app.query_one(VerticalScroll)
        for seconds in (8, 20):
            view = recorded(seconds)
            chart.show(view, expected(view))
            begun = sum(step.state != "waiting" for step in view.steps.values())
            await until(pilot, lambda begun=begun: begun <= scroll.scroll_y + scroll.size.height)
            assert 0 < scroll.scroll_y < begun
        scroll.focus()
        await pilot.press("home")
        await until(pilot, lambda: scroll.scroll_y == 0)
        chart.show(recorded(20), expected(app.view))
        drawn = asyncio.Event()
        chart.call_after_refresh(drawn.set)
        await drawn.wait()
        assert scroll.scroll_target_y == 0
