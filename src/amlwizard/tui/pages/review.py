"""What a run would do, the findings against it, and starting it or saving the recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from amlwizard import durations
from amlwizard.costs import Costs
from amlwizard.errors import Finding
from amlwizard.language import _, _n
from amlwizard.plan import PHASES, Plan, PlannedStep
from amlwizard.recipe import SignIn
from amlwizard.step_titles import ACTION_WORDS, PHASE_TITLES
from amlwizard.time_format import span
from amlwizard.tui.dialogs.start_question import StartQuestion
from amlwizard.tui.pages.page import Page
from amlwizard.tui.widgets.answer_list import AnswerList
from amlwizard.tui.widgets.row import note
from amlwizard.tui.widgets.step_tree import PHASE, StepLine, StepTree
from amlwizard.tui.widgets.updating_static import UpdatingStatic

COMPARED = {"azure": _("compared with Azure"), "sandbox": _("compared with the sandbox")}
MARKS = {
    "create": ("+", "done"),
    "update": ("~", "warning"),
    "keep": ("=", "quiet"),
    "wait": ("◌", "live"),
    "run": ("▸", "plain"),
}


class ReviewPage(Page):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "start", _("Start")),
        Binding("a", "answers", _("Answers")),
        Binding("a", "steps", _("Steps")),
        Binding("s", "app.save", _("Save recipe")),
        Binding("r", "read", _("Compare with the cloud")),
        Binding("ctrl+r", "cure", _("Fix")),
    ]

    def compose_page(self) -> ComposeResult:
        yield UpdatingStatic(id="summary", one_line=True)
        yield UpdatingStatic(id="costs")
        with Vertical(id="plan"):
            yield StepTree(id="steps")
        with Vertical(id="beside"):
            yield OptionList(id="found", compact=True)
            yield AnswerList()
            with VerticalScroll(id="detail", can_focus=False):
                yield UpdatingStatic(id="step")

    def on_mount(self) -> None:
        for name in ("findings", "plan", "costs", "busy", "running"):
            self.watch(self.app, name, self._show, init=False)
        self._show()
        self.query_one(StepTree).focus()

    def on_screen_resume(self) -> None:
        if self.wizard.plan is None:
            self.wizard.make_plan()
        self._show()
        if self.wizard.session.errors:
            self.query_one("#found").focus()

    # -- drawing

    def _show(self) -> None:
        wizard = self.wizard
        plan, errors = wizard.plan, wizard.session.errors
        reading = bool(wizard.busy & {"plan", "preflight"})
        self.query_one("#summary", UpdatingStatic).say(
            summary(plan, dict(wizard.expected), len(errors), reading)
        )
        self.query_one("#costs", UpdatingStatic).say(cost_line(wizard.costs))
        tree = self.query_one(StepTree)
        tree.display = plan is not None
        if plan:
            others = tree.fill((step.id, step.phase) for step in _by_phase(plan))
            tree.paint(lines(plan, dict(wizard.expected)))
            if others:
                tree.lead(next((s.id for s in plan.steps if s.action != "keep"), plan.steps[0].id))
        found = self.query_one("#found", OptionList)
        found.display = bool(wizard.findings)
        found.clear_options()
        found.add_options(Option(note(f), id=str(n)) for n, f in enumerate(wizard.findings))
        found.border_title = _counted(wizard.findings)
        if errors and wizard.findings:
            found.highlighted = found.highlighted or 0
        self._list_answers()
        self._describe()
        self.refresh_bindings()

    def _list_answers(self) -> None:
        answers = self.query_one(AnswerList)
        if self.is_current and answers.display:
            answers.show(self.wizard.pages, self.wizard.session)

    def on_resize(self) -> None:
        self.call_after_refresh(self._list_answers)

    def _describe(self) -> None:
        plan = self.wizard.plan
        step = (
            next((s for s in plan.steps if s.id == self.query_one(StepTree).step), None)
            if plan
            else None
        )
        seconds = self.wizard.expected.get(step.id, 0.0) if step else 0.0
        self.query_one("#step", UpdatingStatic).say(described(step, seconds) if step else Content())

    @on(StepTree.Highlighted)
    def _looked(self) -> None:
        self._describe()

    # -- actions

    @on(OptionList.OptionSelected, "#found")
    def _jump(self, event: OptionList.OptionSelected) -> None:
        finding = self.wizard.findings[int(event.option.id or 0)]
        if finding.fields:
            self.wizard.go_to_field(finding.fields[0])

    @on(AnswerList.ToField)
    def _to_field(self, event: AnswerList.ToField) -> None:
        self.wizard.go_to_field(event.path)

    @on(OptionList.OptionHighlighted, "#found")
    def _highlighted(self) -> None:
        self.refresh_bindings()

    def _curable(self) -> Finding | None:
        """The highlighted finding, else the first, if its fix is known."""
        number = self.query_one("#found", OptionList).highlighted or 0
        found = self.wizard.findings[number : number + 1]
        return next((finding for finding in found if finding.cure), None)

    def action_cure(self) -> None:
        finding = self._curable()
        if finding:
            self.wizard.answer(finding.cure)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "start":
            return not self.wizard.running
        if action in ("answers", "steps"):
            return self.has_class("-narrow") and (action == "steps") == self.has_class("-answers")
        if action == "cure":
            return self._curable() is not None and not self.wizard.running
        if action == "read":
            return self.wizard.plan is not None and not self.wizard.busy
        return super().check_action(action, parameters)

    def action_answers(self) -> None:
        """Show the answers in place of the steps, where there is no room for both."""
        self.add_class("-answers")
        self.call_after_refresh(self._list_answers)
        self.query_one(AnswerList).focus()
        self.refresh_bindings()

    def action_steps(self) -> None:
        self.remove_class("-answers")
        self.query_one(StepTree).focus()
        self.refresh_bindings()

    def action_read(self) -> None:
        self.wizard.make_plan(ask=True)

    def action_start(self) -> None:
        if self.wizard.session.errors:
            self.notify(
                _("Correct the errors first: press Enter on one to see its field."),
                severity="error",
            )
            self.query_one("#found").focus()
        elif self.wizard.session.draft.target == "azure":
            wizard = self.wizard
            given = wizard.session.sign_in or SignIn()
            saved = wizard.session.draft.saved
            asked = StartQuestion(given, wizard.account, wizard.costs, saved)
            self.app.push_screen(asked, self._decided)
        else:
            self.wizard.start()

    def _decided(self, way: str | None) -> None:
        if way == "start":
            self.wizard.start()
        elif way == "sign-in":
            self.wizard.sign_in()


def _by_phase(plan: Plan) -> list[PlannedStep]:
    return sorted(plan.steps, key=lambda step: PHASES.index(step.phase))


def summary(plan: Plan | None, expected: dict[str, float], errors: int, reading: bool) -> Content:
    """One line: the plan in numbers, and what it was compared with."""
    if errors:
        text = _n(
            "{n} error to correct before anything can start",
            "{n} errors to correct before anything can start",
            errors,
        )
        return Content.assemble(("✗ ", "bold $error"), (text, "bold"))
    if plan is None:
        return Content.assemble(("◌ ", "bold $accent"), _("Making the plan…"))
    counts = Counter(step.action for step in plan.steps)
    parts: list[str | tuple[str, str]] = []
    parts += [
        (f"{MARKS[action][0]} {_steps(counts[action], action)}  ", "bold")
        for action in ("create", "update", "wait", "run", "keep")
        if counts[action]
    ]
    if expected:
        parts.append(f" ~{span(durations.of_plan(plan, expected))}  ")
    if reading:
        parts.append((_("◌ comparing…"), "$accent"))
    else:
        where = COMPARED[plan.target] if plan.target else _("not compared with the cloud yet")
        parts.append((where, "$text-muted"))
    return Content.assemble(*parts)


def _steps(count: int, action: str) -> str:
    """How many steps do something."""
    return _("{n} {action}", n=count, action=ACTION_WORDS[action])


def cost_line(costs: Costs | None) -> Content:
    """What it costs, on one line."""
    return Content.styled(costs.summary if costs else _("Reading prices…"), "$text-muted")


def lines(plan: Plan, expected: dict[str, float]) -> dict[str, StepLine]:
    """The lines of the tree: phases, and steps with their action and duration."""
    drawn: dict[str, StepLine] = {}
    for phase in PHASES:
        within = [step for step in plan.steps if step.phase == phase]
        counts = Counter(step.action for step in within)
        said = _(", ").join(_steps(n, action) for action, n in counts.items())
        drawn[PHASE + phase] = StepLine("", PHASE_TITLES[phase], "phase", right=said)
    longest = max((cell_len(ACTION_WORDS[step.action]) for step in plan.steps), default=0)
    for step in plan.steps:
        mark, tone = MARKS[step.action]
        seconds = expected.get(step.id, 0.0)
        long = f"~{span(seconds)}" if seconds >= 1 and step.action != "keep" else ""
        right = set_cell_size(ACTION_WORDS[step.action], longest)
        drawn[step.id] = StepLine(
            mark, step.title, tone, right=f"{long}  {right}" if long else right
        )
    return drawn


def described(step: PlannedStep, seconds: float) -> Content:
    """A step's action, expected seconds, differences from the cloud, and az commands."""
    return Content("\n").join(_described(step, seconds))


def _described(step: PlannedStep, seconds: float) -> Iterator[Content]:
    long = "  " + _("about {span}", span=span(seconds)) if seconds >= 1 else ""
    yield Content.assemble(
        (step.title, "bold $primary"),
        f"  {ACTION_WORDS[step.action]}",
        (f"{long}  {step.id}", "$text-muted"),
    )
    for difference in step.differences:
        yield Content.assemble(("~ ", "$warning"), difference)
    if step.az:
        yield Content.styled(_("With the Azure CLI:"), "$text-muted")
    for command in step.az:
        yield Content.styled(command, "$secondary")
    if step.after:
        after = _("after {steps}", steps=_(", ").join(step.after))
        yield Content.styled(after, "$text-muted")


def _counted(findings: tuple[Finding, ...]) -> str:
    counts = Counter(f.severity for f in findings)
    errors, warnings = counts["error"], counts["warning"]
    said = (
        _n("{n} error", "{n} errors", errors) if errors else "",
        _n("{n} warning", "{n} warnings", warnings) if warnings else "",
    )
    return _(", ").join(filter(None, said))
