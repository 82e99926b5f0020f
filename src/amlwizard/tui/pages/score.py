"""Scoring requests to the deployed model, checked while they are typed, and the responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Key
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from amlwizard.answers import in_lines, on_a_line
from amlwizard.errors import AmlwizardError
from amlwizard.json_types import JsonObject
from amlwizard.language import _, _n, sentences
from amlwizard.payloads import ScoringResponse
from amlwizard.plan.outputs import SCORE, TRAFFIC, TRAIN
from amlwizard.rules import scoring_request
from amlwizard.rules.model_input import ModelInput
from amlwizard.rules.request_problems import problems
from amlwizard.tui.pages.page import Page
from amlwizard.tui.widgets.immediate_keys import run_binding_at_once
from amlwizard.view import RunView

DATA = " -d "
COPIED = _(
    "Two lines for another shell are on the clipboard: the first fetches the key, the "
    "second sends the request."
)


@dataclass(frozen=True)
class ScoringExchange:
    """A request that was sent, with its response or the error."""

    request: JsonObject
    answer: ScoringResponse | None = None
    error: AmlwizardError | None = None


def of_run(view: RunView) -> ScoringExchange | None:
    """The request that the run itself sent."""
    step = view.steps.get(SCORE.id)
    sent = (e.payload(ScoringResponse) for e in reversed(step.log)) if step else ()
    if answer := next(filter(None, sent), None):
        return ScoringExchange(answer.request, answer)
    if step and step.state == "failed" and step.end:
        return ScoringExchange(
            {}, error=AmlwizardError(step.end.what, why=step.end.why, fix=step.end.fix)
        )
    return None


class Editor(TextArea):
    """Redraws itself after a resize, when lines wrap differently."""

    async def _on_key(self, event: Key) -> None:
        await run_binding_at_once(self, event)

    def on_resize(self) -> None:
        self.refresh()


class ScorePage(Page):
    """The editor contains the recipe's request until the user edits it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "send", _("Send"), priority=True),
        Binding("f4", "build", _("From signature"), priority=True),
        Binding("f6", "copy", _("Copy curl"), priority=True),
        Binding("escape", "stop", _("Stop waiting")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.history: list[ScoringExchange] = []
        self._run = ""
        self._of_run: ScoringExchange | None = None
        self._given = ""

    def compose_page(self) -> ComposeResult:
        with Vertical(id="score"):
            with Horizontal(id="exchange"):
                yield Editor(id="request", tab_behavior="focus", show_line_numbers=True)
                with VerticalScroll(id="answer"):
                    yield Static(id="answered")
            yield Static(id="checked")
            yield Static(id="curl")
            yield OptionList(id="history")

    def on_mount(self) -> None:
        for selector, title in (
            ("#request", _("Request")),
            ("#answer", _("Answer")),
            ("#history", _("Sent")),
        ):
            self.query_one(selector).border_title = title
        self.watch(self.app, "view", self._follow)
        self.watch(self.app, "busy", self.refresh_bindings, init=False)

    @property
    def sending(self) -> bool:
        return "score" in self.wizard.busy

    # -- what the run did

    def _follow(self, view: RunView) -> None:
        if view.run != self._run:
            self._run, self._of_run, self.history = view.run, None, []
            self._offer(self._first_request())
            self._show(None)
        asked = of_run(view)
        if asked and self._of_run is None:
            self._of_run = asked
            if asked.answer:
                self._offer(asked.request)
            self._remember(asked)
        self._check()
        self.refresh_bindings()

    def _first_request(self) -> JsonObject:
        reading = self.wizard.session.reading
        return (reading.recipe.scoring.request if reading.recipe else None) or {}

    def _offer(self, request: JsonObject) -> None:
        """Put a request in the editor, unless the user has edited it."""
        editor = self.query_one("#request", TextArea)
        if request and editor.text == self._given:
            self._fill(request)

    def _fill(self, request: JsonObject) -> None:
        self._given = scoring_request.text_of(request)
        self.query_one("#request", TextArea).load_text(self._given)

    # -- checking

    @property
    def model(self) -> ModelInput:
        """What the trained model takes."""
        run = self.wizard.view.output(TRAIN)
        return run.takes if run else scoring_request.UNKNOWN

    @property
    def deployed(self) -> bool:
        """Whether the run has directed traffic to a deployment."""
        return self.wizard.view.output(TRAFFIC) is not None

    def checked(self) -> tuple[JsonObject | None, list[scoring_request.Problem]]:
        """The request in the editor, None if it is not JSON, and the problems in it."""
        text = self.query_one("#request", TextArea).text
        request, problem = scoring_request.parsed(text, self.model)
        if request is None:
            return None, [problem] if problem else []
        return request, problems(request, self.model)

    @on(TextArea.Changed)
    def _check(self) -> None:
        request, found = self.checked()
        if found:
            bad = found[0].severity == "error"
            mark, style = ("✗ ", "$text-error") if bad else ("! ", "$text-warning")
            what, fix = mark + found[0].what, found[0].fix
            more = _("And {n} more.", n=len(found) - 1) if len(found) > 1 else ""
            refused = _("The endpoint will refuse it.") if request is not None and bad else ""
            said = Content(sentences(what, fix, more, refused)).stylize(style, 0, len(what))
            said = said.stylize("dim", len(sentences(what, fix)))
        else:
            said = Content.assemble(("✓ ", "$success"), self._fits(request or {}))
        self.query_one("#checked", Static).update(said)

    def _fits(self, request: JsonObject) -> str:
        """That nothing is wrong with a request, and how it is sent if not as it is."""
        rows, sent = self._count(request), scoring_request.as_sent(request, self.model)
        if self.model.signed:
            said = _n("{n} row, as the model takes it.", "{n} rows, as the model takes them.", rows)
        else:
            said = _n("{n} row.", "{n} rows.", rows)
        form = scoring_request.form_of(sent)
        return said if sent == request else sentences(said, _("Sent as {form}.", form=form))

    def _count(self, request: JsonObject) -> int:
        """The number of its rows."""
        return len(scoring_request.rows_of(request, self.model))

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "send":
            return True if self.deployed and not self.sending else None
        if action == "stop":
            return self.sending
        if action == "build":
            return True if self.model.signed or self.model.example else None
        if action == "copy":
            return True if any(asked.answer for asked in self.history) else None
        return super().check_action(action, parameters)

    def action_send(self) -> None:
        request, __ = self.checked()
        if request is None:
            self.notify(
                _("The request is not valid JSON: see the line below it."), severity="error"
            )
        elif self.wizard.score(request, self._scored, self._failed):
            self.query_one("#answered", Static).update(Content.styled(_("Sent; waiting…"), "dim"))
            self.refresh_bindings()

    def action_stop(self) -> None:
        if self.sending:
            self.wizard.stop_scoring()
            self._over(None)

    def action_build(self) -> None:
        request, found = self.checked()
        fits = request and all(problem.severity == "warning" for problem in found)
        self._fill(scoring_request.as_sent(request if fits else None, self.model))

    def action_copy(self) -> None:
        answer = next((asked.answer for asked in reversed(self.history) if asked.answer), None)
        if answer:
            self.app.copy_to_clipboard("\n".join(self.wizard.request_lines(answer)))
            self.notify(COPIED)

    # -- answers

    def _scored(self, scored: ScoringResponse) -> None:
        self._over(ScoringExchange(scored.request, scored))

    def _failed(self, error: AmlwizardError) -> None:
        request, __ = self.checked()
        self._over(ScoringExchange(request or {}, error=error))

    def _over(self, asked: ScoringExchange | None) -> None:
        if asked:
            self._remember(asked)
        else:
            self._show(None)
        self.refresh_bindings()

    def _remember(self, asked: ScoringExchange) -> None:
        self.history.append(asked)
        options = self.query_one("#history", OptionList)
        options.set_options(
            [Option(self._line(n, each)) for n, each in enumerate(self.history, 1)][::-1]
        )
        self._show(asked)

    def _line(self, number: int, asked: ScoringExchange) -> Content:
        rows = _n("{n} row", "{n} rows", self._count(asked.request))
        if asked.answer is None:
            return Content.assemble(f"{number:>2}  ", (_("no answer"), "$text-error"), f"  {rows}")
        answer = asked.answer
        style = "$success" if answer.status < 400 else "$text-error"
        return Content.assemble(
            f"{number:>2}  ",
            (str(answer.status), style),
            f"  {_seconds(answer)}  {rows}  {on_a_line(answer.response, most=4)}",
        )

    @on(OptionList.OptionSelected)
    def _again(self, event: OptionList.OptionSelected) -> None:
        """Load a request of the history again."""
        asked = self.history[len(self.history) - 1 - event.option_index]
        if asked.request:
            self._fill(asked.request)
        self._show(asked)

    def _show(self, asked: ScoringExchange | None) -> None:
        self.query_one("#answered", Static).update(_answer(asked))
        curl = asked.answer.curl if asked and asked.answer else ""
        request = _("<the request>")
        shown = f"{curl.partition(DATA)[0]}{DATA}'{request}'" if curl else ""
        self.query_one("#curl", Static).update(Content.styled(shown, "dim"))


def _answer(asked: ScoringExchange | None) -> Content:
    if asked is None:
        return Content.styled(_("No request has been sent yet."), "dim")
    if asked.error:
        why, fix = asked.error.why, asked.error.fix
        return Content("\n").join(
            Content.styled(text, style)
            for text, style in ((asked.error.what, "bold $text-error"), (why, ""), (fix, "$accent"))
            if text
        )
    answer = asked.answer
    assert answer
    good = answer.status < 400
    head = Content.assemble(
        (str(answer.status), "bold $success" if good else "bold $text-error"),
        "  " + _("after {span}", span=_seconds(answer)),
    )
    body = "\n".join(in_lines(answer.response))
    rest = [Content(answer.why)] if answer.why else []
    rest += [Content.styled(answer.fix, "$accent")] if answer.fix else []
    return Content("\n").join([head, Content(body), *rest])


def _seconds(answer: ScoringResponse) -> str:
    shown = f"{answer.seconds:.3f}"
    return _("{seconds} s", seconds=shown)
