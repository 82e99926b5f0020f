"""The result of a run, where everything is, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from amlwizard import answers
from amlwizard.app.port import RunResult
from amlwizard.errors import OperationCancelledError
from amlwizard.language import _, _n
from amlwizard.lineage import lineage
from amlwizard.next_steps import NextStep, answered
from amlwizard.plan.outputs import SCORE, VERIFY
from amlwizard.posture import Posture
from amlwizard.time_format import span
from amlwizard.tui.pages import evidence
from amlwizard.tui.pages.page import Page
from amlwizard.tui.pages.score import COPIED
from amlwizard.tui.widgets.hanging import hanging
from amlwizard.view import RunView

LONGEST = (_("Predictions"), "→ " + _("Deployment"), "→ " + _("Endpoint"))
NAME = max(map(cell_len, LONGEST)) + 1
NAMED = 3


class FinishPage(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "copy", _("Copy request"), priority=True)
    ]

    def compose_page(self) -> ComposeResult:
        with VerticalScroll(id="finish"):
            yield Static(id="result")

    def on_mount(self) -> None:
        for name in ("view", "ran", "running", "verified"):
            self.watch(self.app, name, self._show, init=False)

    def on_screen_resume(self) -> None:
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "copy":
            return answered(self.wizard.view) is not None
        return super().check_action(action, parameters)

    def action_copy(self) -> None:
        if answer := answered(self.wizard.view):
            self.app.copy_to_clipboard("\n".join(self.wizard.request_lines(answer)))
            self.notify(COPIED)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        if self.is_current:
            wizard = self.wizard
            width = self.query_one("#finish").scrollable_content_region.width
            posture = wizard.verified or evidence.of_run(wizard.view)
            lines = result_lines(
                wizard.view, wizard.ran, wizard.running, width, posture, wizard.now()
            )
            after = onward(() if wizard.running else wizard.next_steps)
            self.query_one("#result", Static).update(Content("\n").join([*lines, *after]))


def result_lines(
    view: RunView,
    ran: RunResult | None,
    running: bool,
    width: int,
    posture: Posture | None,
    now: float,
) -> Iterator[Content]:
    """The result, line by line."""
    _row = partial(row, width=width)
    yield _verdict(view, running, posture)
    yield Content()
    if scored := view.output(SCORE):
        shown = answers.on_a_line(scored.predictions, between="   ")
        yield _row(_("Predictions"), shown, "bold $success")
    for number, (stage, name) in enumerate(lineage(view)):
        yield _row(f"→ {stage}" if number else stage, name)
    if scored and scored.dns_record:
        yield _row(_("DNS record"), scored.dns_record)
    if posture:
        yield from _promises(posture, now, width)
    slowest = _(", ").join(f"{s.info.title} {span(s.seconds)}" for s in view.slowest())
    if slowest:
        yield _row(_("Slowest"), slowest)
    if ran:
        yield Content()
        yield _row(_("Recipe"), str(ran.recipe))
        yield _row(_("Journal"), str(ran.journal))


def onward(steps: Sequence[NextStep]) -> Iterator[Content]:
    """What to do next, with its commands."""
    if steps:
        yield Content()
        yield Content.styled(_("Next steps"), "bold $primary")
    for step in steps:
        yield Content(step.what)
        yield from (Content.styled(f"  {command}", "$secondary") for command in step.commands)


def _promises(posture: Posture, now: float, width: int) -> Iterator[Content]:
    """The summary of the checks, the names of those that failed, and where to find the evidence."""
    outcome = evidence.worst(posture)
    mark, style = evidence.MARKS[outcome][0], evidence.STYLES[outcome]
    yield row(_("Promises"), f"{mark} {evidence.summary(posture, now)}", style, width=width)
    broken = posture.of("broken")
    for line in broken[:NAMED]:
        yield row("", f"✗ {line.title}", style, width=width)
    if len(broken) > NAMED:
        yield row("", _("and {n} more", n=len(broken) - NAMED), style, width=width)
    yield row("", _("See the Posture page for the evidence."), width=width)


def row(name: str, text: str, style: str = "", *, width: int) -> Content:
    """A name and a value; further lines of the value are indented below its first."""
    return Content.assemble(
        (set_cell_size(name, NAME), "$text-muted"), (hanging(text, NAME, width), style)
    )


def _verdict(view: RunView, running: bool, posture: Posture | None) -> Content:
    if running:
        return Content.styled(_("The run is in progress."), "bold $accent")
    failed = [step.info.id for step in view.steps.values() if step.state == "failed"]
    broken = posture.of("broken") if posture else ()
    if broken and (view.exit_code == 0 or failed == [VERIFY.id]):
        text = _n(
            "✗ {recipe} stands on {target}, but {n} promise is not kept: exit code 1.",
            "✗ {recipe} stands on {target}, but {n} promises are not kept: exit code 1.",
            len(broken),
            recipe=view.recipe,
            target=view.target,
        )
        return Content.styled(text, "bold $error")
    if view.exit_code == 0:
        text = _(
            "✓ {recipe} stands on {target}, {took}.",
            recipe=view.recipe,
            target=view.target,
            took=span(view.now - view.started),
        )
        return Content.styled(text, "bold $success")
    return Content.styled(
        _why_not([view.steps[name].info.title for name in failed], view), "bold $error"
    )


def _why_not(failed: Sequence[str], view: RunView) -> str:
    """That a run did not finish, given the titles of the steps that failed."""
    if failed:
        return _("✗ {steps} failed. Progress shows why, and retries.", steps=_(", ").join(failed))
    if view.exit_code == OperationCancelledError.exit_code:
        return _("✗ The run was cancelled. Progress shows why, and retries.")
    return _("✗ The run was interrupted. Progress shows why, and retries.")
