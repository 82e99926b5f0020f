"""The plot of actual against predicted: every point in its place, numbers that are round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import existing
from textual.app import App, ComposeResult

from amlwizard.tui.widgets.scatter import BLANK, Canvas, Scatter, fit, marks, scatter

numbers = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40)


@given(pairs, st.integers(24, 160), st.integers(8, 50))
def test_a_plot_fills_its_area_exactly(
    points: list[tuple[float, float]], width: int, height: int
) -> None:
    actual, predicted = zip(*points, strict=True)
    lines = scatter(actual, predicted, width, height)
    assert len(lines) == height
    assert {sum(len(text) for text, _ in line) for line in lines} == {width}


def test_a_point_stands_where_its_numbers_say() -> None:
    lines = scatter([0, 100], [0, 100], 40, 20)
    cells = ["".join(text if kind == "point" else " " * len(text) for text, kind in line) for line in lines]  # fmt: skip
    at = [(row, cell.index(cell.strip()[0])) for row, cell in enumerate(cells) if cell.strip()]
    (top, right), (bottom, left) = at[0], at[-1]
    assert top <= 1 and bottom >= 16 and left < 8 and right > 36


@given(numbers, st.floats(0.001, 1e6), st.integers(1, 9))
def test_marks_are_round_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    if high - low < 1e-9 * max(abs(low), abs(high)):
        return
    found = marks(low, high, most)
    assert 2 <= len(found) <= most + 4
    assert all(low - span * 1e-6 <= mark <= high + span * 1e-6 for mark in found)
    step = found[1] - found[0]
    leading = f"{step:.0e}"[0]
    assert leading in "125"


def test_dots_add_up_in_a_cell() -> None:
    canvas = Canvas(1, 1)
    for x in (0, 1):
        for y in range(4):
            canvas.dot(x, y, "point")
    canvas.dot(5, 5, "point")
    canvas.dot(-1, 0, "point")
    assert canvas.line(0) == [(chr(BLANK + 0xFF), "point")]


def test_how_well_predictions_hit() -> None:
    found = fit([1, 2, 3, 4], [1, 2, 3, 8])
    assert found and found.rmse == 2 and found.mae == 1 and found.r2 == pytest.approx(1 - 16 / 5)
    assert fit([], []) is None and fit([1], []) is None
    assert existing(fit([2, 2], [2, 2])).r2 == 0


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Scatter()


@pytest.mark.parametrize(
    ("size", "said"), [((20, 24), "A larger terminal"), ((80, 24), "predicted")]
)
async def test_where_there_is_no_room_it_says_so(size: tuple[int, int], said: str) -> None:
    app = Host()
    async with app.run_test(size=size) as pilot:
        plot = app.query_one(Scatter)
        assert "No predictions yet" in str(plot.render())
        plot.show([1.0, 2.0], [1.5, 2.5])
        await pilot.pause()
        assert said in str(plot.render())
