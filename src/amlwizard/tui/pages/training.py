"""The training: its cells as they run, its metrics, and predictions against actual values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from amlwizard.events import StepProgress
from amlwizard.json_types import Document
from amlwizard.language import _, listed
from amlwizard.payloads import CellFinished, CellStarted
from amlwizard.plan.outputs import REGISTER, TRAIN
from amlwizard.step_titles import STATE_WORDS
from amlwizard.tui.pages.page import Page
from amlwizard.tui.pages.progress import title_of
from amlwizard.tui.widgets.scatter import Scatter, fit
from amlwizard.view import RunView, StepView

MOST_METRICS = 4
MARKS = {
    "running": ("▸", "bold $primary"),
    "done": ("✓", "$success"),
    "failed": ("✗", "bold $error"),
}


@dataclass(frozen=True)
class Cell:
    """`seconds` and `text` (what it printed) are known once the cell is done."""

    number: int
    title: str
    state: Literal["running", "done", "failed"] = "running"
    seconds: float = 0.0
    text: str = ""


def cells(said: Iterable[StepProgress], failed: bool = False) -> list[Cell]:
    """The cells that a step reported, in order; `failed` means that the step did."""
    found: dict[int, Cell] = {}
    for event in said:
        if done := event.payload(CellFinished):
            found[done.cell] = Cell(done.cell, done.title, "done", done.seconds, done.text)
        elif begun := event.payload(CellStarted):
            found[begun.cell] = Cell(begun.cell, begun.title)
    if failed:
        found = {
            n: replace(c, state="failed") if c.state == "running" else c for n, c in found.items()
        }
    return [found[number] for number in sorted(found)]


def result(said: Sequence[StepProgress]) -> Document:
    """The output of the last cell that had one: the metrics so far, and in the end what came of
    the run."""
    done = (event.payload(CellFinished) for event in reversed(said))
    return next((cell.result for cell in done if cell and cell.result), {})


def pictures(said: Iterable[StepProgress]) -> list[str]:
    """The names of the files attached to the cells."""
    done = (event.payload(CellFinished) for event in said)
    return [file.name for cell in done if cell for file in cell.files]


class TrainingPage(Page):
    """Live while the cells run, later from the recorded events. If training was kept from an
    earlier run, from the journal of that run."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f6", "copy", _("Copy run id"))]

    def __init__(self) -> None:
        super().__init__()
        self._earlier: tuple[str, Sequence[StepProgress]] = ("", ())
        self._shown: tuple[list[Cell], int] = ([], 0)

    def compose_page(self) -> ComposeResult:
        with Vertical(id="training"):
            yield Static(id="numbers")
            with Horizontal():
                yield OptionList(id="cells")
                with Vertical(id="drawn"):
                    yield Scatter(id="plot")
                    with VerticalScroll(id="printed"):
                        yield Static(id="text")

    def on_mount(self) -> None:
        self.query_one("#cells").border_title = _("Cells")
        self.query_one("#plot").border_title = _("Actual and predicted")
        self.query_one("#printed").border_title = _("Printed")
        self.watch(self.app, "view", self._refresh)
        self.watch(self.app, "ran", lambda: self._refresh(self.wizard.view))

    def on_resize(self) -> None:
        self.call_after_refresh(lambda: self._refresh(self.wizard.view))

    # -- the source of the events

    def _said(self, view: RunView) -> Sequence[StepProgress]:
        step = view.steps.get(TRAIN.id)
        if step is None or step.state != "kept":
            return step.log if step else ()
        run = view.output(TRAIN)
        run_id = run.run_id if run else ""
        if self._earlier[0] != run_id:
            self._earlier = (run_id, ())
            self.wizard.trained(run_id, self._found)
        return self._earlier[1]

    def _found(self, run_id: str, said: Sequence[StepProgress]) -> None:
        if said and self._earlier[0] == run_id:
            self._earlier = (run_id, said)
            self._refresh(self.wizard.view)

    # -- drawing

    def _refresh(self, view: RunView) -> None:
        step = view.steps.get(TRAIN.id)
        said = self._said(view)
        came = result(said)
        self.query_one("#numbers", Static).update(self._numbers(view, step, said, came))
        self._list(cells(said, failed=bool(step and step.state == "failed")))
        running = step is not None and step.state == "running"
        without = _("The plot appears after the last cell.") if running else _without(view, step)
        self.query_one("#plot", Scatter).show(
            came.get("actual", ()), came.get("predicted", ()), without
        )

    def _numbers(
        self,
        view: RunView,
        step: StepView | None,
        said: Sequence[StepProgress],
        came: Document,
    ) -> Content:
        model = view.output(REGISTER)
        known = {**came, **view.outputs(TRAIN.id)}
        if "metrics" not in known:
            return Content.from_markup("[dim]$said[/]", said=_without(view, step))
        first: list[tuple[str, str]] = []
        for name, value in [*known["metrics"].items()][:MOST_METRICS]:
            first += [(f"{'   ' if first else ''}{name} ", "dim"), (f"{value:.6g}", "bold")]
        hit = fit(came.get("actual", ()), came.get("predicted", ()))
        for name, value in (("RMSE", hit.rmse), ("MAE", hit.mae), ("R²", hit.r2)) if hit else ():
            first += [(f"   {name} ", "dim"), (f"{value:.3f}", "")]
        second = [(_("Run") + " ", "dim"), (known["run_id"], "")] if "run_id" in known else []
        if step and step.state == "kept":
            kept = _("kept from an earlier run; nothing was trained again")
            second += [(f"  {kept}", "dim")]
        if model:
            named = _("{model} version {version}", model=model.model, version=model.version)
            second += [("   " + _("Model") + " ", "dim"), (named, "")]
        lines = [first, *([second] if second else []), *self._pictures(said)]
        return Content("\n").join(Content.assemble(*line) for line in lines)

    def _pictures(self, said: Sequence[StepProgress]) -> list[list[tuple[str, str]]]:
        names = pictures(said)
        if not names:
            return []
        folder = self.wizard.ran.journal.parent if self.wizard.ran else None
        if folder is None or not (folder / names[-1]).exists():
            where = _("{files}, beside the journal", files=_(", ").join(names))
        elif names[1:]:
            where = _("{files}, in {folder}", files=_(", ").join(names), folder=folder)
        else:
            where = str(folder / names[0])
        what = _("Pictures") if names[1:] else _("Picture")
        return [[(f"{what} ", "dim"), (where, "")]]

    def _list(self, found: list[Cell]) -> None:
        options = self.query_one("#cells", OptionList)
        if (found, options.size.width) == self._shown:
            return
        at = options.highlighted
        follows = at is None or at == len(self._shown[0]) - 1
        self._shown = (found, options.size.width)
        options.set_options([Option(_line(cell, options.size.width)) for cell in found])
        if found:
            options.highlighted = len(found) - 1 if follows or at is None else at
        self._print()

    @on(OptionList.OptionHighlighted)
    def _print(self) -> None:
        at = self.query_one("#cells", OptionList).highlighted
        found = self._shown[0]
        cell = found[at] if at is not None and at < len(found) else None
        text = cell.text if cell and cell.text else _("This cell printed nothing.") if cell else ""
        self.query_one("#text", Static).update(Content(text))

    def action_copy(self) -> None:
        if run := self.wizard.view.output(TRAIN):
            self.app.copy_to_clipboard(run.run_id)
            self.notify(_("The run's id is on the clipboard."), timeout=2)


def _line(cell: Cell, width: int) -> Content:
    """A cell's mark, title and time; a long title wraps."""
    mark, style = MARKS[cell.state]
    seconds = f"{cell.seconds:.1f}"
    spent = _("{seconds} s", seconds=seconds) if cell.state == "done" else STATE_WORDS[cell.state]
    room = max(12, width - len(mark) - cell_len(spent) - 4)
    first, *rest = (line.plain for line in Content(cell.title).wrap(room))
    below = "".join(f"\n  {line}" for line in rest)
    title = set_cell_size(first, room)
    return Content.assemble((f"{mark} ", style), f"{title} ", (spent, "dim"), below)


def _without(view: RunView, step: StepView | None) -> str:
    """Why there are no metrics yet."""
    if step is None:
        return _("No run has started yet.")
    before = [view.steps[name] for name in step.info.after if name in view.steps]
    left = [s.info.title for s in before if s.state not in ("done", "kept")]
    return {
        "waiting": _("Training waits for {steps}.", steps=listed(left))
        if left
        else _("Training begins."),
        "running": step.message or _("Training is running. Metrics appear as they are logged."),
        "kept": _("Trained by an earlier run, whose journal is not on this machine."),
        "failed": step.end.what if step.end else _("Training failed."),
        "blocked": _("Not trained: {step} failed.", step=title_of(step.end.because, view))
        if step.end
        else _("Not trained."),
        "cancelled": _("The run was cancelled before training."),
    }.get(step.state, _("Training is done, but its journal holds no predictions."))
