"""Two charts as geometry, in pixels: actual against predicted, and the steps of a run over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from amlwizard.language import _
from amlwizard.report.record import Fit, Timing

SIDE, MARGIN = 420, 52
WIDTH, LABELS, ROW = 960, 300, 18


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class ScatterChart:
    """A square of `size` with its axes at `low` and `high`; points are pixels."""

    size: int
    low: float
    high: float
    points: tuple[tuple[float, float], ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class ChartBar:
    """`text` is the duration."""

    x: float
    y: float
    width: float
    title: str
    phase: str
    text: str


@dataclass(frozen=True, slots=True)
class TimelineChart:
    width: int
    height: int
    labels: int
    row: int
    bars: tuple[ChartBar, ...]
    ticks: tuple[Tick, ...]


def scatter(fit: Fit) -> ScatterChart:
    """A fit as a plot, both axes with the same bounds."""
    values = (*fit.actual, *fit.predicted)
    step = _step(max(values) - min(values) or 1.0)
    first, last = math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step
    if first == last:
        last = first + step
    low, high = float(MARGIN), float(SIDE - 12)
    span = high - low

    def across(value: float) -> float:
        return round(low + (value - first) / (last - first) * span, 1)

    def up(value: float) -> float:
        return round(SIDE - across(value), 1)

    ticks = [first + n * step for n in range(round((last - first) / step) + 1)]
    return ScatterChart(
        SIDE,
        low,
        high,
        tuple((across(a), up(p)) for a, p in zip(fit.actual, fit.predicted, strict=True)),
        tuple(Tick(across(t), f"{t:g}") for t in ticks),
        tuple(Tick(up(t), f"{t:g}") for t in ticks),
    )


def timeline(timings: Sequence[Timing]) -> TimelineChart:
    """One bar per step, in the order of `timings`, which must not be empty."""
    end = max(t.started + t.seconds for t in timings) or 1.0
    room = WIDTH - LABELS - 70

    def at(seconds: float) -> float:
        return round(LABELS + seconds / end * room, 1)

    step = _step(end)
    bars = tuple(
        ChartBar(
            at(t.started),
            24 + number * ROW,
            max(2.0, round(t.seconds / end * room, 1)),
            t.title,
            t.phase,
            _seconds(t.seconds),
        )
        for number, t in enumerate(timings)
    )
    count = math.floor(end / step) + 1
    ticks = tuple(Tick(at(n * step), _seconds(n * step)) for n in range(count))
    return TimelineChart(WIDTH, 24 + len(bars) * ROW + 8, LABELS, ROW, bars, ticks)


def _step(span: float) -> float:
    """A round distance between ticks that makes four to ten of them."""
    rough = span / 5
    power = 10 ** math.floor(math.log10(rough))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough))


def _seconds(seconds: float) -> str:
    if seconds < 100:
        shown = f"{seconds:.1f}".removesuffix(".0")
        return _("{seconds} s", seconds=shown)
    minutes, rest = divmod(round(seconds), 60)
    return _("{minutes} min {seconds:02} s", minutes=minutes, seconds=rest)
