"""A run on a terminal: a bar, the time left, and a table that follows the steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from amlwizard import durations
from amlwizard.console.output import STATES, about_left, columns, mark
from amlwizard.events import Event, RunFinished, RunStarted
from amlwizard.language import _
from amlwizard.plan import PHASES
from amlwizard.step_titles import PHASE_TITLES, STATE_WORDS, fitted
from amlwizard.time_format import clock
from amlwizard.view import RunView, StepView

FIRST = ("failed", "running", "blocked", "cancelled", "done", "kept", "waiting")
"""Of steps that do not all fit, those in these states are shown before others."""
BAR, LEAST_TITLE, HEAD_LINES = 24, 10, 3


class LiveTable:
    """`expected` are the seconds by step id, as far as they are known."""

    def __init__(
        self,
        console: Console,
        expected: Mapping[str, float] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.console, self.expected, self.now = console, expected or {}, now
        self.view = RunView()
        self.live = Live(
            console=console,
            refresh_per_second=4,
            get_renderable=self._draw,
            redirect_stderr=sys.stderr.isatty(),
        )

    def __call__(self, event: Event) -> None:
        self.view = self.view.apply(event)
        if isinstance(event, RunStarted):
            self.live.start(refresh=True)
        elif isinstance(event, RunFinished):
            self.live.stop()

    def _draw(self) -> Group:
        now = self.now() if self.view.exit_code is None else self.view.now
        expected = durations.learned(self.view, self.expected, now)
        return Group(*self._head(now), self._table(expected, now))

    def _head(self, now: float) -> Iterator[RenderableType]:
        view, counts = self.view, self.view.counts()
        what = _("{recipe} on {target}", recipe=view.recipe, target=view.target)
        yield Text(what, style="bold", no_wrap=True)
        ended, total = sum(s.end is not None for s in view.steps.values()), len(view.steps)
        bar = columns(min(BAR, self.console.width // 3), None)
        bar.add_row(ProgressBar(total=max(1, total), completed=ended), self._progress(ended, now))
        yield bar
        words = [
            mark(self.console, STATES, state).append(f" {counts[state]} {STATE_WORDS[state]}")
            for state in STATES
            if counts.get(state)
        ]
        yield Text("  ").join(words)

    def _progress(self, ended: int, now: float) -> Text:
        view = self.view
        text = f" {ended}/{len(view.steps)}  {clock(max(0.0, now - view.started))}"
        left = durations.left(view, self.expected, now)
        if left >= 1:
            ends = time.strftime("%H:%M", time.localtime(now + left))
            text = _(", ").join((text, f"{about_left(left)} ({ends})"))
        return Text(text, no_wrap=True, overflow="crop")

    def _table(self, expected: Mapping[str, float], now: float) -> Table:
        view = self.view
        chosen = set(self._telling())
        longest = max((cell_len(view.steps[name].info.title) for name in chosen), default=0)
        times = {name: durations.spent(view.steps[name], expected, now) for name in chosen}
        time_width = max(map(cell_len, times.values()), default=0)
        width = min(longest, max(LEAST_TITLE, self.console.width - time_width - 4))
        table = Table(
            box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False, expand=True
        )
        table.add_column(width=1)
        table.add_column(width=width, no_wrap=True, overflow="crop")
        table.add_column(width=time_width, justify="right", no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="crop")
        for phase in (*PHASES, "remove"):
            self._add_phase(table, phase, chosen, times, width)
        return table

    def _add_phase(
        self, table: Table, phase: str, chosen: set[str], times: Mapping[str, str], width: int
    ) -> None:
        within = {n: s for n, s in self.view.steps.items() if s.info.phase == phase}
        if not within:
            return
        ended = sum(step.end is not None for step in within.values())
        table.add_row("", Text(PHASE_TITLES[phase], style="bold"), f"{ended}/{len(within)}", "")
        dots = ".." if self.console.options.ascii_only else "…"
        for name, step in within.items():
            if name in chosen:
                style = STATES[step.state][2]
                title = Text(fitted(step.info.title, width, dots), style=style)
                note = Text(_note(step, self.view), style="dim")
                table.add_row(mark(self.console, STATES, step.state), title, times[name], note)

    def _telling(self) -> Sequence[str]:
        """The steps to show: all of them if they fit or the run is over; otherwise failures, running
        steps, and those that just ended."""
        steps = self.view.steps
        phases = len({step.info.phase for step in steps.values()})
        room = max(4, self.console.height - HEAD_LINES - phases - 1)
        if len(steps) <= room or self.view.exit_code is not None:
            return list(steps)
        by_use = sorted(steps.values(), key=lambda s: (FIRST.index(s.state), -s.finished))
        return [step.info.id for step in by_use[:room]]


def _note(step: StepView, view: RunView) -> str:
    if step.end and step.end.outcome == "failed":
        return step.end.what
    if step.end and step.end.because:
        return _("because of {step}", step=view.title(step.end.because))
    return step.message if step.state == "running" else ""
