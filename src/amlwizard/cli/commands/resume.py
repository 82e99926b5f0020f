"""The resume command: go on with a run that did not come to its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from amlwizard import journal
from amlwizard.cli.arguments import JOBS
from amlwizard.cli.commands.replay import replay
from amlwizard.cli.options import Phase, ReplayOptions, ResumeOptions, Target
from amlwizard.command_line import RECIPE, TARGET, command_line
from amlwizard.errors import InvalidInputError
from amlwizard.language import _
from amlwizard.nearest import did_you_mean
from amlwizard.paths import state_folder
from amlwizard.recipe import read
from amlwizard.recorded_run import view_of
from amlwizard.view import RunView


@dataclass(frozen=True)
class PastRun:
    """A recorded run. `platform` is its resource group and target."""

    folder: Path
    view: RunView

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe.yaml"

    @property
    def platform(self) -> tuple[str, str]:
        names = read(self.recipe).sections.names
        return (names.resource_group if names else "", self.view.target)

    @property
    def last(self) -> Phase | None:
        """The phase that it was to stop after; None if it was to do everything."""
        phases: tuple[Phase, ...] = get_args(Phase)
        planned = {step.info.phase for step in self.view.steps.values()}
        last = next(phase for phase in reversed(phases) if phase in planned)
        return None if last == phases[-1] else last


def resume(given: ResumeOptions) -> int:
    """Replay the recipe of the newest run that has not succeeded, or of the one that is named.
    Returns the exit code of the run. Raises InvalidInputError if there is none."""
    run = _named(given.run) if given.run else _unfinished()
    told = _("Continuing run {run}: {recipe}", run=run.folder.name, recipe=run.view.recipe)
    print(told, file=sys.stderr)
    target: Target = "azure" if (given.target or run.view.target) == "azure" else "sandbox"
    return replay(
        ReplayOptions(
            recipes=(str(run.recipe),),
            set=(),
            jobs=JOBS,
            target=target,
            clock=given.clock,
            speed=given.speed,
            approve=given.approve,
            capture=given.capture,
            until=run.last,
            rerun=(),
            ignore=given.ignore,
            json=given.json,
            yes=given.yes,
        )
    )


def _named(name: str) -> PastRun:
    found = next((run for run in _runs() if run.folder.name == name), None)
    if found is None:
        raise InvalidInputError(
            _("There is no run {run}.", run=name),
            why=_("Each run has a folder in {folder}.", folder=state_folder() / "runs"),
            fix=did_you_mean(
                name,
                [run.folder.name for run in _runs()],
                _("Leave it out to continue the last unfinished one."),
            ),
        )
    return found


def _unfinished() -> PastRun:
    """The newest run whose platform no later run has finished."""
    finished = set()
    for run in _runs():
        if run.view.exit_code == 0:
            finished.add(run.platform)
        elif run.platform not in finished:
            return run
    raise InvalidInputError(
        _("There is no unfinished run."),
        why=_("The last run of every platform has finished, or nothing was run yet."),
        fix=_("Start one: `{replay}`.", replay=command_line("replay", RECIPE, "--target", TARGET)),
    )


def _runs() -> Iterator[PastRun]:
    """Newest first; those that cannot be read, or never began, are left out."""
    for path in journal.newest(state_folder() / "runs", count=sys.maxsize):
        view = view_of(path)
        if view and view.steps:
            yield PastRun(path.parent, view)
