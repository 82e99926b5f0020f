"""How a command shows the runs of several recipes."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import RLock

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from amlwizard import console
from amlwizard.app.port import RunResult
from amlwizard.cli.options import Target
from amlwizard.cli.run_output import Watch, while_read
from amlwizard.command_line import replaying, resuming
from amlwizard.errors import OperationCancelledError
from amlwizard.events import Emit, Event
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.plain_text import plain
from amlwizard.run_control import FleetControl
from amlwizard.view import RunView

CANCELLED = OperationCancelledError.exit_code
RESULTS = {0: "done", 1: "failed", 2: "refused", 3: "sign-in failed", CANCELLED: "cancelled"}
SHOWN = {
    "done": _("done"),
    "failed": _("failed"),
    "refused": _("refused"),
    "sign-in failed": _("sign-in failed"),
    "cancelled": _("cancelled"),
    "running": _("running"),
    "waiting": _("waiting"),
    "not begun": _("not begun"),
}
STYLES = {"done": "green", "running": "bold cyan", "waiting": "dim", "cancelled": "yellow"}


class FleetOutput:
    """JSON lines, a live table on a terminal, plain lines elsewhere; then one summary. What runs in
    parallel is written one event at a time."""

    def __init__(
        self,
        recipes: Collection[str],
        target: Target,
        approved_by: str,
        as_json: bool,
        control: FleetControl,
    ) -> None:
        self.target, self.as_json, self.control = target, as_json, control
        self.approved_by = approved_by
        self.views = {name: Watch() for name in recipes}
        self.labels = labels(recipes)
        self._lock = RLock()
        self._live: Live | None = None
        if sys.stdout.isatty() and not as_json:
            self._live = Live(
                console=console.output(sys.stdout),
                refresh_per_second=4,
                get_renderable=self._table,
                redirect_stderr=sys.stderr.isatty(),
                transient=True,
            )

    def shown(self) -> AbstractContextManager[object]:
        """The live table is on the screen during the block."""
        return self._live or nullcontext()

    def listener(self, name: str) -> Emit:
        """What shows the run of a recipe."""
        watch, prompt = self.views[name], console.login_prompt(self.approved_by)
        progress = self._progress(name)

        def show(event: Event) -> None:
            with self._lock:
                watch(event)
                progress(event)
                prompt(event)

        return while_read(show, self.control)

    def _progress(self, name: str) -> Emit:
        if self.as_json:
            return lambda event: console.print_json(
                {**event.to_json(), "recipe": plain(name)}, sys.stdout
            )
        if self._live:
            return lambda event: None
        width = max(map(cell_len, self.labels.values()))
        return console.Lines(sys.stdout, set_cell_size(self.labels[name], width))

    def _table(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 1), expand=True)
        for width, ratio in ((None, 2), (10, None), (7, None), (9, None), (None, 3)):
            table.add_column(width=width, ratio=ratio, no_wrap=True)
        for name, watch in self._telling():
            view = watch.view
            state = result_of(view)
            spent = (time.time() if state == "running" else view.now) - view.started
            ended = sum(step.state not in ("waiting", "running") for step in view.steps.values())
            running = [s for s in view.steps.values() if s.state == "running"]
            doing = "; ".join(step.info.title for step in running)
            table.add_row(
                Text(self.labels[name]),
                Text(SHOWN[state], style=STYLES.get(state, "bold red")),
                f"{spent:.0f} s" if view.steps else "",
                f"{ended}/{len(view.steps)}" if view.steps else "",
                Text(doing, style="dim"),
            )
        return table

    def _telling(self) -> list[tuple[str, Watch]]:
        """All rows if they fit; otherwise those at work first, those that succeeded last."""
        rows, room = list(self.views.items()), max(4, Console().height - 2)
        if len(rows) <= room:
            return rows
        order = {"running": 0, "waiting": 2, "done": 3}
        return sorted(rows, key=lambda row: order.get(result_of(row[1].view), 1))[:room]

    def summary(self, results: Mapping[str, RunResult | None]) -> int:
        """Show how every run ended, and return the highest exit code."""
        code = max(_code(result) for result in results.values())
        if self.as_json:
            rows = [self._row(name, result) for name, result in results.items()]
            summary: Document = {"kind": "fleet-finished", "exit_code": code, "recipes": rows}
            console.print_json(summary, sys.stdout)
        self._report(results, console.output(sys.stderr if self.as_json else sys.stdout))
        return code

    def _report(self, results: Mapping[str, RunResult | None], shown: Console) -> None:
        for name in results:
            view = self.views[name].view
            if any(step.state == "failed" for step in view.steps.values()):
                shown.print(f"\n{self.labels[name]}", style="bold", end="", markup=False)
                console.failures(view, shown)
        shown.print()
        width = max(map(cell_len, self.labels.values()))
        for name, result in results.items():
            row = self._row(name, result)
            label = set_cell_size(self.labels[name], width)
            ended = set_cell_size(SHOWN[str(row["result"])], 14)
            line = f"{label}  {ended}  {row['seconds']:>7.1f} s"
            shown.print(f"{line}  {row['next']}".rstrip(), markup=False, soft_wrap=True)

    def _row(self, name: str, result: RunResult | None) -> Document:
        code, view = _code(result), self.views[name].view
        return {
            "recipe": plain(name),
            "run": result.run if result else "",
            "exit_code": code,
            "result": RESULTS[code] if result else "not begun",
            "seconds": round(view.now - view.started, 1),
            "next": self._next(name, result),
        }

    def _next(self, name: str, result: RunResult | None) -> str:
        """The command that goes on, as it is typed."""
        if result is None or result.exit_code == 2:
            return replaying(plain(name), self.target)
        return resuming(result.run, self.target) if result.exit_code else ""


def labels(paths: Collection[str]) -> dict[str, str]:
    """What recipes are called on a screen: by their file, or by their path if two have one name."""
    stems = [plain(Path(path).stem) for path in paths]
    return {
        path: stem if stems.count(stem) == 1 else plain(path)
        for path, stem in zip(paths, stems, strict=True)
    }


def result_of(view: RunView) -> str:
    if not view.steps:
        return "waiting"
    return "running" if view.exit_code is None else RESULTS[view.exit_code]


def _code(result: RunResult | None) -> int:
    return result.exit_code if result else CANCELLED
