"""A run in progress: all steps, their overlap, and the log of the highlighted one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from amlwizard import durations
from amlwizard.app.port import TargetName
from amlwizard.command_line import resuming
from amlwizard.language import _, listed, sentences
from amlwizard.plan import PHASES
from amlwizard.step_titles import ACTION_WORDS, PHASE_TITLES, STATE_WORDS, cut
from amlwizard.time_format import clock, span
from amlwizard.tui.dialogs.questions import Choose, DialogOption
from amlwizard.tui.pages.page import Page
from amlwizard.tui.widgets.step_tree import PHASE, StepLine, StepTree
from amlwizard.tui.widgets.timeline import Timeline
from amlwizard.tui.widgets.updating_static import UpdatingStatic
from amlwizard.view import RunView, StepView

MARKS = {
    "waiting": ("·", "quiet"),
    "running": ("▸", "live"),
    "done": ("✓", "done"),
    "kept": ("=", "quiet"),
    "failed": ("✗", "failed"),
    "blocked": ("⊘", "warning"),
    "cancelled": ("⊘", "warning"),
}
TICK, EVENTS = 1.0, 0.25
BAR, NAME = 16, 20


CANCEL = (
    DialogOption(
        "cancel",
        _("Cancel the run"),
        _("Starts no further step; steps in progress are left as they are."),
    ),
    DialogOption("stay", _("Keep running"), _("Closes this dialog; nothing changes.")),
)
CONTINUING: Mapping[TargetName, str] = {
    "azure": _("Operations that have begun continue in Azure."),
    "sandbox": _("Operations that have begun continue in the sandbox."),
}


class ProgressPage(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "hold", _("Pause")),
        Binding("p", "release", _("Resume")),
        Binding("c", "cancel", _("Cancel")),
        Binding("r", "retry", _("Retry")),
        Binding("t", "timeline", _("Timeline")),
        Binding("f", "follow", _("Follow")),
    ]

    def compose_page(self) -> ComposeResult:
        yield UpdatingStatic(id="head", one_line=True)
        with Vertical(id="run"):
            yield StepTree(id="steps")
        with Vertical(id="beside"):
            yield Timeline(id="timeline")
            yield UpdatingStatic(id="step")
            with VerticalScroll(id="log", can_focus=False):
                yield UpdatingStatic(id="lines")

    def on_mount(self) -> None:
        self._following, self._stale = True, True
        for name in ("view", "running"):
            self.watch(self.app, name, self._mark, init=False)
        self.set_interval(TICK, self._tick)
        self.query_one(StepTree).focus()
        self._draw()

    def on_screen_resume(self) -> None:
        self._draw()

    # -- drawing: at most every EVENTS seconds, however fast events arrive

    def _mark(self) -> None:
        if not self._stale:
            self._stale = True
            self.set_timer(EVENTS, self._draw)

    def _tick(self) -> None:
        if self.is_current and self.wizard.running:
            self._draw()

    def _draw(self) -> None:
        self._stale = False
        if not self.is_current:
            return
        view = self.wizard.view
        now = self.wizard.now() if self.wizard.running else view.now
        expected = durations.learned(view, self.wizard.expected, now)
        self.query_one("#head", UpdatingStatic).say(self._head(view, now))
        tree = self.query_one(StepTree)
        steps = sorted(view.steps.values(), key=lambda s: PHASES.index(s.info.phase))
        tree.fill((step.info.id, step.info.phase) for step in steps)
        tree.paint(dict(lines(view, expected, now, self.wizard.running)))
        if self._following:
            tree.lead(step_to_show(view))
        timeline = self.query_one(Timeline)
        if timeline.is_on_screen:
            timeline.show(view, expected, now)
        self._describe()
        self.refresh_bindings()

    def _head(self, view: RunView, now: float) -> Content:
        left = durations.left(view, self.wizard.expected, now) if self.wizard.expected else 0.0
        return head(view, now, left, self.wizard.running, self.wizard.runs.paused)

    def _describe(self) -> None:
        view = self.wizard.view
        step = view.steps.get(self.query_one(StepTree).step)
        self.query_one("#step", UpdatingStatic).say(
            Content("\n").join(described(step, view, self.wizard.running)) if step else Content()
        )
        log = step.log if step else ()
        text = Content("\n").join(
            Content.assemble((f"{clock(line.at - view.started):>7}  ", "$text-muted"), line.message)
            for line in log
        )
        scroll = self.query_one("#log", VerticalScroll)
        at_end = scroll.scroll_offset.y >= scroll.max_scroll_y
        self.query_one("#lines", UpdatingStatic).say(text)
        if at_end:
            scroll.scroll_end(animate=False)

    # -- keys

    @on(StepTree.Highlighted)
    def _looked(self, event: StepTree.Highlighted) -> None:
        if event.by_hand:
            self._following = False
        self._describe()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        running, runs = self.wizard.running, self.wizard.runs
        shown = {
            "hold": running and not runs.paused and not runs.cancelling,
            "release": running and runs.paused,
            "cancel": running and not runs.cancelling,
            "retry": not running and self.wizard.view.exit_code != 0,
            "follow": not self._following,
        }
        return shown.get(action, super().check_action(action, parameters))

    def action_hold(self) -> None:
        self.wizard.runs.pause()
        self._draw()

    def action_release(self) -> None:
        self.wizard.runs.resume()
        self._draw()

    def action_cancel(self) -> None:
        draft = self.wizard.session.draft
        self.app.push_screen(
            Choose(_("Cancel the run?"), cancelling(draft.target, self.wizard.view.run), CANCEL),
            self._decided,
        )

    def _decided(self, way: str | None) -> None:
        if way == "cancel":
            self.wizard.runs.cancel()
            self._draw()

    def action_retry(self) -> None:
        self._following = True
        self.wizard.start()

    def action_timeline(self) -> None:
        self.toggle_class("-timeline")
        self.call_after_refresh(self._draw)

    def action_follow(self) -> None:
        self._following = True
        self._draw()


def cancelling(target: TargetName, run: str) -> str:
    """What cancelling does, and how to go on afterwards."""
    text = sentences(
        _("Steps that have not started are skipped."),
        CONTINUING[target],
        _("To go on, press r on this page; what exists by then is kept."),
    )
    shell = _("From a shell: {command}", command=resuming(run, target)) if run else ""
    return "\n\n".join(filter(None, (text, shell)))


def step_to_show(view: RunView) -> str:
    """The step worth looking at: a failed one, else the last to begin, else the last to end."""
    steps = list(view.steps.values())
    failed = [step for step in steps if step.state == "failed"]
    running = [step for step in steps if step.state == "running"]
    if failed and view.exit_code is not None:
        return failed[0].info.id
    if running:
        return max(running, key=lambda step: step.started).info.id
    ended = [step for step in steps if step.finished]
    return max(ended, key=lambda step: step.finished).info.id if ended else ""


def short(recipe: str) -> str:
    """A short name for a run's recipe, without folder and suffix."""
    name = recipe.rpartition("/")[2].removesuffix(".yaml")
    return cut(name, NAME)


def head(view: RunView, now: float, left: float, running: bool, holding: bool) -> Content:
    """One line: which run, how far it is, and how long it may still take."""
    if not view.steps:
        return Content.assemble(
            ("◌ ", "bold $accent"), _("Starting…") if running else _("No run yet")
        )
    counts = view.counts()
    over = counts.get("done", 0) + counts.get("kept", 0)
    total = max(1, len(view.steps))
    full = round(BAR * over / total)
    parts: list[tuple[str, str] | str] = [
        (_("{recipe} on {target}", recipe=short(view.recipe), target=view.target) + "  ", "bold"),
        ("━" * full, "$success"), ("─" * (BAR - full), "$text-disabled"), f" {over}/{total}",
    ]  # fmt: skip
    if counts.get("failed"):
        parts.append(("  " + _("✗ {n} failed", n=counts["failed"]), "bold $error"))
    parts.append(f"  {clock(now - view.started)}")
    if not running:
        ends = {0: (_("done"), "bold $success"), None: (_("interrupted"), "bold $warning"),
                130: (_("cancelled"), "bold $warning")}  # fmt: skip
        word, style = ends.get(view.exit_code, (_("failed"), "bold $error"))
        parts.append((f"  {word}", style))
    elif holding:
        parts.append(("  " + _("paused, steps in progress finish"), "bold $warning"))
    elif left:
        end = time.strftime("%H:%M", time.localtime(now + left))
        parts.append("  " + _("~{span} left, {end}", span=span(left), end=end))
    return Content.assemble(*parts)


def lines(
    view: RunView, expected: dict[str, float], now: float, running: bool
) -> Iterator[tuple[str, StepLine]]:
    """The lines of the tree: phases with their number of finished steps, and steps."""
    for phase in PHASES:
        within = [step for step in view.steps.values() if step.info.phase == phase]
        over = sum(step.state in ("done", "kept") for step in within)
        yield (
            PHASE + phase,
            StepLine("", PHASE_TITLES[phase], "phase", right=f"{over}/{len(within)}"),
        )
    for step in view.steps.values():
        mark, tone = MARKS[step.state]
        yield (
            step.info.id,
            StepLine(
                mark, step.info.title, tone, _note(step, view), _right(step, expected, now, running)
            ),
        )


def _note(step: StepView, view: RunView) -> str:
    if step.state == "running":
        return step.message
    if step.state == "waiting":
        before = _before(step, view)
        return _("waits for {steps}", steps=before) if before else ""
    if step.end and step.end.because:
        return _("because of {step}", step=title_of(step.end.because, view))
    return step.end.what if step.end and step.state == "failed" else ""


def _before(step: StepView, view: RunView) -> str:
    """The titles of the steps that it waits for."""
    left = [n for n in step.info.after if n in view.steps and not view.steps[n].finished]
    return listed([view.steps[name].info.title for name in left])


def title_of(step: str, view: RunView) -> str:
    """The title of a step, by its id."""
    return view.steps[step].info.title if step in view.steps else step


def _right(step: StepView, expected: dict[str, float], now: float, running: bool) -> str:
    wanted = expected.get(step.info.id, 0.0)
    if step.state == "running":
        return durations.spent(step, expected, now) if running else _("interrupted")
    if step.state == "waiting":
        return f"~{span(wanted)}" if wanted >= 1 else ""
    return span(step.seconds) if step.state == "done" else STATE_WORDS[step.state]


def described(step: StepView, view: RunView, running: bool) -> Iterator[Content]:
    """A step's title and state, and its error or what it waits for."""
    mark, __ = MARKS[step.state]
    left = step.state == "running" and not running
    state = _("interrupted") if left else STATE_WORDS[step.state]
    action = f" ({ACTION_WORDS.get(step.action, step.action)})" if step.action else ""
    at = time.strftime("%H:%M:%S", time.localtime(step.started))
    since = "  " + _("since {time}", time=at) if step.state == "running" else ""
    yield Content.assemble(
        (f"{mark} {step.info.title}", "bold $primary"), f"  {state}{action}", (since, "$text-muted")
    )
    end = step.end
    if end and end.outcome == "failed":
        code = f"{end.code}: " if end.code else ""
        yield Content.styled(f"{code}{end.what}", "$text-error")
        for part in (end.why, end.fix):
            if part:
                yield Content(part)
    elif end and end.because:
        yield Content(_("Not started, because of {step}.", step=title_of(end.because, view)))
    elif step.state == "waiting":
        before = _before(step, view)
        yield Content(_("Waits for {steps}.", steps=before) if before else _("Starts next."))
