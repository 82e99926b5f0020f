"""A run as lines of text: for logs, slow links and screen readers. Nothing is drawn over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from amlwizard import durations
from amlwizard.console.output import about_left
from amlwizard.events import Event, RunFinished, RunStarted, StepFinished, StepProgress, StepStarted
from amlwizard.language import _, _n
from amlwizard.payloads import FindingReported
from amlwizard.step_titles import STATE_WORDS
from amlwizard.time_format import span
from amlwizard.view import RunView, StepView

QUIET_SECONDS = 30.0
"""After that long without a line, one says what the run waits for."""
DONE = {
    "create": _("created in {time}"),
    "update": _("updated in {time}"),
    "delete": _("removed in {time}"),
    "wait": _("ready after {time}"),
    "run": _("done in {time}"),
}


class Lines:
    """A line for every step that ends, each with the seconds since the start of the run, and with
    `name` if several runs are shown. `expected` are the seconds by step id, as far as they are
    known."""

    def __init__(
        self, out: TextIO, name: str = "", expected: Mapping[str, float] | None = None
    ) -> None:
        self.out, self.name, self.expected = out, name, expected or {}
        self.view = RunView()
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        self.view = self.view.apply(event)
        text = self._text(event)
        if text:
            self._last = event.at
            line = text.replace("\n", " / ")
            name = f"{self.name}  " if self.name else ""
            self.out.write(f"{event.at - self.view.started:7.1f}  {name}{line}\n")
            self.out.flush()

    def _text(self, event: Event) -> str:
        match event:
            case RunStarted():
                return _n(
                    "Run {run}: {recipe} on {target}, {n} step",
                    "Run {run}: {recipe} on {target}, {n} steps",
                    len(event.steps),
                    run=event.run,
                    recipe=event.recipe,
                    target=event.target,
                )
            case StepFinished():
                return f"{self._place()} {self._ended(event)}"
            case RunFinished():
                counts = _(", ").join(f"{n} {STATE_WORDS[o]}" for o, n in event.counts.items())
                return _("Run finished: {counts}", counts=counts)
            case StepProgress() if event.payload(FindingReported):
                return f"{self.view.title(event.step)}: {event.message}"
            case StepStarted() | StepProgress() if event.at - self._last >= QUIET_SECONDS:
                return f"{self._place()} {self._waiting(event.at)}"
        return ""

    def _place(self) -> str:
        """How many of the steps have ended."""
        ended = sum(step.end is not None for step in self.view.steps.values())
        return f"[{ended}/{len(self.view.steps)}]"

    def _ended(self, event: StepFinished) -> str:
        step, title = self.view.steps.get(event.step), self.view.title(event.step)
        if event.outcome == "done" and step:
            return f"{title}: {DONE.get(step.action, DONE['run']).format(time=span(step.seconds))}"
        if event.outcome == "kept":
            told = _("kept ({what})", what=event.what) if event.what else STATE_WORDS["kept"]
            return f"{title}: {told}"
        if event.because:
            other = self.view.title(event.because)
            if event.outcome == "blocked":
                return _("{step}: not started, because of {other}", step=title, other=other)
            return _("{step}: cancelled, because of {other}", step=title, other=other)
        ended = f"{title}: {STATE_WORDS[event.outcome]}"
        return " | ".join(filter(None, (ended, event.what, event.why, event.fix)))

    def _waiting(self, now: float) -> str:
        running = [step for step in self.view.steps.values() if step.state == "running"]
        doing = "; ".join(self._doing(step, now) for step in running)
        left = durations.left(self.view, self.expected, now)
        waiting = _("Waiting for {steps}", steps=doing)
        return f"{waiting} | {about_left(left)}" if left >= 1 else waiting

    def _doing(self, step: StepView, now: float) -> str:
        said = f", {step.message}" if step.message else ""
        return f"{self.view.title(step.info.id)} ({span(now - step.started)}{said})"
