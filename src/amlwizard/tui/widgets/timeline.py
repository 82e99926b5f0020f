"""The steps of a run as a Gantt chart: finished, running, and still expected.

`bars` computes when each step begins and ends, `rows` where that is on a line of cells; the widget
only paints them. Each label is beside its bar, so that no name is cut to fit a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from amlwizard import durations
from amlwizard.language import _
from amlwizard.plan import graph
from amlwizard.step_titles import STATE_WORDS
from amlwizard.time_format import clock, span
from amlwizard.view import RunView, State, StepView

FILL: Mapping[State, str] = {
    "done": "█", "running": "▓", "waiting": "░", "kept": "=", "failed": "▚", "blocked": "⊘",
    "cancelled": "⊘",
}  # fmt: skip
TOLD = ("failed", "blocked", "cancelled", "kept")
"""States that a label names."""
EXPECTED, NOW, DECIDES = "░", "┊", "◆"
COLOURS = {
    "sign-in": "$primary", "provision": "$primary", "train": "$warning", "register": "$warning",
    "deploy": "$success", "score": "$success", "verify": "$success",
}  # fmt: skip
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
TICK_CELLS = 12
AHEAD = 2


@dataclass(frozen=True)
class TimelineBar:
    """Times are seconds since the run began. `done_at` is how far it has come, `ends` when it
    ended or is expected to; `critical` marks the chain that determines when the run ends."""

    step: StepView
    begins: float
    done_at: float
    ends: float
    critical: bool = False


def bars(view: RunView, expected: Mapping[str, float], now: float) -> list[TimelineBar]:
    """A bar per step, in the order in which they begin."""
    after = graph.within({name: step.info.after for name, step in view.steps.items()})
    left = {name: durations.to_go(step, expected, now) for name, step in view.steps.items()}
    over = view.exit_code is not None
    spans: dict[str, tuple[float, float, float]] = {}
    for name in graph.order(after):
        step = view.steps[name]
        if step.state == "waiting":
            before = (spans[n][2] for n in after[name] if n in spans)
            begins = max(before, default=0.0) if over else max(now - view.started, *before, 0.0)
            spans[name] = begins, begins, begins if over else begins + left[name]
        elif step.state == "running":
            passed = now - view.started
            spans[name] = step.started - view.started, passed, passed + left[name]
        else:
            begins = (step.started or step.finished) - view.started
            spans[name] = begins, step.finished - view.started, step.finished - view.started
    ran = {n: span[2] for n, span in spans.items() if view.steps[n].state not in _NEVER}
    chain = set(graph.critical(after, ran))
    drawn = [TimelineBar(view.steps[n], *span, critical=n in chain) for n, span in spans.items()]
    return sorted(drawn, key=lambda bar: (bar.begins, bar.ends))


_NEVER = ("blocked", "cancelled")


@dataclass(frozen=True)
class TimelineRow:
    """A bar on a line. Columns count from 0; `start <= solid <= stop`, and the label is at `at`:
    beside the bar, or on it if there is no room beside."""

    bar: TimelineBar
    start: int
    solid: int
    stop: int
    label: str
    at: int


def rows(drawn: Sequence[TimelineBar], width: int, total: float) -> list[TimelineRow]:
    """The bars and their labels on lines of `width` cells that stand for `total` seconds. Every bar
    has at least one cell; a label is cut only if the line is too short for it."""
    return [_row(bar, width, total) for bar in drawn]


def column(seconds: float, width: int, total: float) -> int:
    """The column of a time, from 0 to `width`."""
    return min(width, max(0, round(seconds / total * width))) if total > 0 else 0


def _row(bar: TimelineBar, width: int, total: float) -> TimelineRow:
    start = min(column(bar.begins, width, total), width - 1)
    stop = max(start + 1, column(bar.ends, width, total))
    solid = column(bar.done_at, width, total)
    if bar.done_at > bar.begins:
        solid = max(solid, start + 1)
    solid = min(max(solid, start), stop)
    name, span = _label(bar)
    for label in (name + span, name):
        long = cell_len(label)
        if stop + 1 + long <= width:
            return TimelineRow(bar, start, solid, stop, label, stop + 1)
        if long + 1 <= start:
            return TimelineRow(bar, start, solid, stop, label, start - 1 - long)
        if long + 2 <= stop - start:
            return TimelineRow(bar, start, solid, stop, label, start + 1)
    label = _cut(name, width)
    return TimelineRow(bar, start, solid, stop, label, width - cell_len(label))


def _cut(text: str, room: int) -> str:
    return Content(text).truncate(max(0, room), ellipsis=True).plain


def _label(bar: TimelineBar) -> tuple[str, str]:
    """A bar's name and its duration, which is left out if there is no room."""
    step = bar.step
    name = f"{DECIDES} {step.info.title}" if bar.critical else step.info.title
    if step.state in TOLD:
        return f"{name} {STATE_WORDS[step.state]}", ""
    if bar.ends <= bar.begins:
        return name, ""
    return name, f" {'' if step.state == 'done' else '~'}{span(bar.ends - bar.begins)}"


def ticks(width: int, total: float) -> list[tuple[int, str]]:
    """Columns and texts of the axis: round times, as many as fit."""
    if total <= 0:
        return [(0, clock(0))]
    most = max(1, width // TICK_CELLS)
    step = next((t for t in TICKS if total / t <= most), TICKS[-1])
    marks = ((second, column(second, width, total)) for second in range(0, int(total) + 1, step))
    return [(at, clock(second)) for second, at in marks if at + len(clock(second)) <= width]


# -- painting


class Timeline(Vertical):
    """The chart of a run, with its axis above and its legend below; scrolls, and follows the
    running steps until the user scrolls away."""

    DEFAULT_CSS = """
    Timeline { height: 1fr; min-height: 6; }
    Timeline > .axis, Timeline > .legend { height: 1; }
    Timeline > VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    Timeline .bars { height: auto; width: 1fr; }
    """
    BORDER_TITLE = _("Timeline")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view, self._now = RunView(), 0.0
        self._expected: Mapping[str, float] = {}
        self._placed = 0

    def compose(self) -> ComposeResult:
        yield Static(classes="axis")
        with VerticalScroll():
            yield Static(classes="bars")
        yield Static(classes="legend")

    def show(self, view: RunView, expected: Mapping[str, float], now: float | None = None) -> None:
        """Draw a run as of `now` (seconds since the epoch); by default as of its last event."""
        self._view, self._expected, self._now = view, expected, now or view.now
        if self.is_mounted:
            self._draw()

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        # The lines have their new width only then.
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        scroll = self.query_one(VerticalScroll)
        width = self._width(scroll.size)
        drawn = bars(self._view, self._expected, self._now)
        total = max((bar.ends for bar in drawn), default=0.0)
        lines = rows(drawn, width, total)
        live = self._view.exit_code is None and bool(drawn)
        now = column(self._now - self._view.started, width, total) if live else None
        self.query_one(".axis", Static).update(_axis(width, total, now))
        self.query_one(".bars", Static).update(
            Content("\n").join(paint(row, width, now) for row in lines)
        )
        self.query_one(".legend", Static).update(_legend(width))
        begun = sum(row.bar.step.state != "waiting" for row in lines)
        self.call_after_refresh(self._follow, scroll, begun)

    def _width(self, size: Size) -> int:
        return max(20, size.width - 1)

    def _follow(self, scroll: VerticalScroll, begun: int) -> None:
        """Keep the last started step in view, unless the user has scrolled elsewhere."""
        if round(scroll.scroll_y) != self._placed or not scroll.size.height:
            return
        wanted = begun + AHEAD - scroll.size.height
        self._placed = round(min(max(0, wanted), scroll.max_scroll_y))
        scroll.scroll_to(y=self._placed, animate=False, immediate=True)


def paint(row: TimelineRow, width: int, now: int | None) -> Content:
    """A row in colour: the phase's for the bar, with a bold label on the critical chain."""
    step, colour = row.bar.step, COLOURS.get(row.bar.step.info.phase, "$foreground")
    if step.state == "failed":
        colour = "$error"
    fill = FILL[step.state]
    cells = [" "] * width
    if now is not None and now < width:
        cells[now] = NOW
    for at in range(row.start, row.stop):
        cells[at] = fill if at < row.solid or step.state != "running" else EXPECTED
    _write(cells, row.at, row.label)
    quiet = step.state in ("waiting", "kept", "blocked", "cancelled")
    weight = "bold" if row.bar.critical else "dim" if quiet else ""
    end = row.at + cell_len(row.label)
    spans = [(row.start, row.stop, colour), (row.at, end, weight)]
    spans.append((max(row.start, row.at), min(row.stop, end), "bold reverse"))
    if step.state == "failed":
        spans.append((row.at, end, "bold $error"))
    return _styled(cells, spans)


def _write(cells: list[str], at: int, text: str) -> None:
    """Put a text into cells; the second cell of a wide letter is empty."""
    for letter in text:
        if cell_len(letter):
            cells[at : at + cell_len(letter)] = [letter, *[""] * (cell_len(letter) - 1)]
            at += cell_len(letter)
        elif at:
            cells[at - 1] += letter  # an accent of the letter before it


def _styled(cells: Sequence[str], spans: Iterable[tuple[int, int, str]]) -> Content:
    """The cells as a text, with styles from cell to cell."""
    content = Content("".join(cells))
    for start, stop, style in spans:
        if style and start < stop:
            at, end = (len("".join(cells[:cell])) for cell in (start, stop))
            content = content.stylize(style, at, end)
    return content


def _axis(width: int, total: float, now: int | None) -> Content:
    cells = [" "] * width
    for at, text in ticks(width, total):
        _write(cells, at, text)
    if now is not None and now < width:
        cells[now] = "▼"
    return _styled(cells, [(0, width, "dim")])


def _legend(width: int) -> Content:
    whole = _(
        "█ done  ▓ running  ░ expected  ▚ failed  = kept  {decides} decides when it is over",
        decides=DECIDES,
    )
    short = _("█ done ▓ running ░ expected ▚ failed {decides} decides the end", decides=DECIDES)
    return Content(whole if cell_len(whole) <= width else short).stylize("dim")
