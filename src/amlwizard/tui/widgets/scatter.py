"""Actual against predicted on a terminal: points in braille, the diagonal of a perfect fit, axes
with round numbers.

Written here because plotext keeps its canvas in a global, labels its axes with odd numbers, and
cannot use the app's colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, floor, log10, sqrt

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from amlwizard.language import _

ACROSS, DOWN = 2, 4
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
BLANK = 0x2800
TICK_COLUMNS, TICK_LINES = 10, 4
AIR = 0.04
STYLES = {"point": "$primary", "diagonal": "dim", "": "dim"}


@dataclass
class Canvas:
    """Cells of 2 by 4 dots; (0, 0) is the lower left. A cell has the kind that was drawn last."""

    width: int
    height: int
    dots: dict[tuple[int, int], int] = field(default_factory=dict)
    kinds: dict[tuple[int, int], str] = field(default_factory=dict)

    def dot(self, x: int, y: int, kind: str) -> None:
        """Set a dot; dots outside the canvas are ignored."""
        cell = x // ACROSS, y // DOWN
        if min(x, y) < 0 or cell[0] >= self.width or cell[1] >= self.height:
            return
        if self.kinds.get(cell) != kind:
            self.dots[cell], self.kinds[cell] = 0, kind
        self.dots[cell] |= DOTS[DOWN - 1 - y % DOWN][x % ACROSS]

    def line(self, row: int) -> list[tuple[str, str]]:
        """The cells of a line, counted from the top, each with its kind."""
        at = [(column, self.height - 1 - row) for column in range(self.width)]
        return [
            (chr(BLANK + self.dots[c]), self.kinds[c]) if c in self.dots else (" ", "") for c in at
        ]


def marks(low: float, high: float, most: int) -> list[float]:
    """Evenly spaced round numbers from `low` to `high`: about `most`, and at least two."""
    least = (high - low) / max(1, most)
    while True:
        step = _round_step(least)
        found = [n * step for n in range(ceil(low / step), floor(high / step) + 1)]
        if len(found) > 1:
            return found
        least = step / 2.5


def _round_step(least: float) -> float:
    size = 10.0 ** floor(log10(least))
    return next(n * size for n in (1, 2, 5, 10) if n * size >= least * 0.999999)


def scatter(
    actual: Sequence[float], predicted: Sequence[float], width: int, height: int
) -> list[list[tuple[str, str]]]:
    """Lines of (text, kind): predictions against actual values, both axes with the same bounds."""
    low, high = _bounds([*actual, *predicted])
    tall = max(2, height - 2)
    beside = marks(low, high, max(1, tall // TICK_LINES))
    gutter = max(len(_number(mark)) for mark in beside) + 2
    wide = max(4, width - gutter)
    canvas = Canvas(wide, tall)

    def at(value: float, room: int) -> int:
        """The position of a value on an axis of `room` dots."""
        return round((value - low) / (high - low) * (room - 1))

    for x in range(0, wide * ACROSS, 3):
        canvas.dot(x, round(x / (wide * ACROSS - 1) * (tall * DOWN - 1)), "diagonal")
    for truth, answer in zip(actual, predicted, strict=True):
        x, y = at(truth, wide * ACROSS - 1), at(answer, tall * DOWN - 1)
        for dot in ((x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)):
            canvas.dot(*dot, "point")

    labels = {tall - 1 - at(mark, tall * DOWN) // DOWN: _number(mark) for mark in beside}
    lines = []
    for row in range(tall):
        tick = labels.get(row, "")
        lines.append([(f"{tick:>{gutter - 2}} {'┤' if tick else '│'}", ""), *canvas.line(row)])
    below = [
        (at(mark, wide * ACROSS) // ACROSS, _number(mark))
        for mark in marks(low, high, max(1, wide // TICK_COLUMNS))
    ]
    lines += [[(text, "")] for text in _axis(below, gutter, wide)]
    return [_joined(line) for line in lines]


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """The bounds of all values, with a margin."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    air = (high - low) * AIR or 1.0
    return low - air, high + air


def _number(value: float) -> str:
    return f"{value:.6g}"


def _axis(below: Sequence[tuple[int, str]], gutter: int, width: int) -> tuple[str, str]:
    """The line below a plot, and the numbers below that line."""
    line, numbers = ["─"] * width, [" "] * (gutter + width)
    for column, text in below:
        line[column] = "┬"
        start = min(gutter + column - len(text) // 2, gutter + width - len(text))
        numbers[start : start + len(text)] = text
    return " " * (gutter - 1) + "└" + "".join(line), "".join(numbers)


def _joined(line: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    groups = groupby(line, key=lambda part: part[1])
    return [("".join(text for text, _ in parts), kind) for kind, parts in groups]


@dataclass(frozen=True)
class PlottedFit:
    """How well predictions fit: root mean squared error, mean absolute error, R squared."""

    rmse: float
    mae: float
    r2: float


def fit(actual: Sequence[float], predicted: Sequence[float]) -> PlottedFit | None:
    """None if there is nothing to compare."""
    if not actual or len(actual) != len(predicted):
        return None
    errors = [a - p for a, p in zip(actual, predicted, strict=True)]
    mean = sum(actual) / len(actual)
    squares, spread = sum(e * e for e in errors), sum((a - mean) ** 2 for a in actual)
    return PlottedFit(
        sqrt(squares / len(errors)),
        sum(map(abs, errors)) / len(errors),
        1 - squares / spread if spread else 0.0,
    )


class Scatter(Widget):
    """Draws itself in the available space; a sentence if that is too small or there is no data."""

    DEFAULT_CSS = "Scatter { height: 1fr; width: 1fr; }"
    SMALLEST = Size(24, 8)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._actual: Sequence[float] = ()
        self._predicted: Sequence[float] = ()
        self.without = _("No predictions yet.")

    def show(self, actual: Sequence[float], predicted: Sequence[float], without: str = "") -> None:
        """Set the points; `without` is shown if there are none."""
        self._actual, self._predicted = actual, predicted
        self.without = without or self.without
        self.refresh()

    def render(self) -> Content:
        if not self._actual or len(self._actual) != len(self._predicted):
            return Content(self.without).stylize("dim")
        if self.size.width < self.SMALLEST.width or self.size.height < self.SMALLEST.height:
            return Content(_("A larger terminal shows the plot here.")).stylize("dim")
        head = Content.styled(_("predicted"), "dim italic")
        lines = scatter(self._actual, self._predicted, self.size.width - 1, self.size.height - 2)
        drawn = [Content.assemble(*((text, STYLES[kind]) for text, kind in line)) for line in lines]
        foot = Content.styled(_("actual"), "dim italic")
        foot = foot.pad_left(max(0, self.size.width - 1 - foot.cell_length))
        return Content("\n").join([head, *drawn, foot])
