"""The run in progress, and the sign-in that waits for a user. Independent of Textual."""

from __future__ import annotations

from dataclasses import dataclass, field

from amlwizard.app.port import TargetName
from amlwizard.recipe import Recipe
from amlwizard.run_control import RunControl
from amlwizard.session import Session


@dataclass(eq=False)
class RunningJob:
    """A run in progress: the session whose recipe it builds, the target it builds on, and the
    control that pauses and cancels it. `run` is its id, once it has started; `restart` says
    to start again once it has ended."""

    session: Session
    recipe: Recipe
    target: TargetName
    control: RunControl = field(default_factory=RunControl)
    run: str = ""
    restart: bool = False

    def started(self, run: str) -> None:
        """The run has started and has this id."""
        self.run = run
        self.session.ran(run)

    @property
    def name(self) -> str:
        """How the run's events refer to the recipe."""
        return self.session.draft.saved or self.recipe.names.prefix


class RunController:
    """At most one job is in progress. `login_kind` is the kind of background call that needs the
    pending sign-in: ``run``, ``sign-in``, ``plan``..."""

    def __init__(self) -> None:
        self.job: RunningJob | None = None
        self.login_kind = ""

    def begin(self, session: Session, recipe: Recipe) -> RunningJob:
        self.job = RunningJob(session, recipe, session.draft.target)
        return self.job

    def end(self) -> None:
        self.job = None

    @property
    def paused(self) -> bool:
        return self.job is not None and self.job.control.paused

    @property
    def cancelling(self) -> bool:
        return self.job is not None and self.job.control.cancelled.is_set()

    def pause(self) -> None:
        if self.job:
            self.job.control.pause()

    def resume(self) -> None:
        if self.job:
            self.job.control.resume()

    def cancel(self, restart: bool = False) -> None:
        """Cancel the run; with `restart`, start it again once it has ended."""
        if self.job:
            self.job.restart = restart
            self.job.control.cancel()
