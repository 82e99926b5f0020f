"""A run as lines of text: for logs, slow links and screen readers. Nothing is drawn over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from amlwizard import durations
from amlwizard.events import Event, RunFinished, RunStarted, StepFinished, StepProgress, StepStarted
from amlwizard.payloads import FindingReported
from amlwizard.time_format import span
from amlwizard.view import RunView, StepView

QUIET_SECONDS = 30.0
"""After that long without a line, one says what the run waits for."""
DONE = {
    "create": "created in {}",
    "update": "updated in {}",
    "delete": "removed in {}",
    "wait": "ready after {}",
    "run": "done in {}",
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
                return (
                    f"Run {event.run}: {event.recipe} on {event.target}, {len(event.steps)} steps"
                )
            case StepFinished():
                return f"{self._place()} {self._ended(event)}"
            case RunFinished():
                counts = ", ".join(f"{n} {outcome}" for outcome, n in event.counts.items())
                return f"Run finished: {counts}"
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
            return f"{title}: {DONE.get(step.action, 'done in {}').format(span(step.seconds))}"
        if event.outcome == "kept":
            return f"{title}: kept" + (f" ({event.what})" if event.what else "")
        if event.because:
            outcome = "not started" if event.outcome == "blocked" else "cancelled"
            return f"{title}: {outcome}, because of {self.view.title(event.because)}"
        return " | ".join(
            filter(None, (f"{title}: {event.outcome}", event.what, event.why, event.fix))
        )

    def _waiting(self, now: float) -> str:
        running = [step for step in self.view.steps.values() if step.state == "running"]
        doing = "; ".join(self._doing(step, now) for step in running)
        left = durations.left(self.view, self.expected, now)
        return f"Waiting for {doing}" + (f" | about {span(left)} left" if left >= 1 else "")

    def _doing(self, step: StepView, now: float) -> str:
        said = f", {step.message}" if step.message else ""
        return f"{self.view.title(step.info.id)} ({span(now - step.started)}{said})"
