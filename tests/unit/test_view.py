"""What a run looks like, computed from its events."""

from __future__ import annotations

from amlwizard.events import StepFinished, StepProgress, StepStarted
from amlwizard.view import RunView


def test_a_view_passes_over_events_of_steps_that_it_does_not_know() -> None:
    view = RunView()
    for event in (
        StepStarted(at=1, step="vnet", action="create"),
        StepProgress(at=2, step="vnet", message="half"),
        StepFinished(at=3, step="vnet", outcome="done"),
    ):
        view = view.apply(event)
    assert not view.steps and view.now == 3
