"""The runs on this machine: what became of them, and deleting their records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from amlwizard import journal, lease
from amlwizard.app.port import RecordedRun, RunEnd
from amlwizard.errors import InvalidInputError
from amlwizard.language import _
from amlwizard.plan.outputs import REGISTER, TRAIN
from amlwizard.recorded_run import view_of
from amlwizard.view import RunView

ENDS: Mapping[int | None, RunEnd] = {None: "unfinished", 0: "done", 130: "cancelled"}


def recorded_runs(runs: Path, count: int) -> Iterator[RecordedRun]:
    """The newest runs in the folder of runs, newest first; those that cannot be read are left out."""
    for path in journal.newest(runs, count):
        view = view_of(path)
        if view is not None and view.run:
            yield _summary(path.parent.name, view)


def forget(runs: Path, run: str) -> None:
    """Delete the record of a run. Raises InvalidInputError if there is no such run, or if it is in
    progress."""
    folder = runs / run
    if folder not in runs.glob("*/"):  # not by its path, which ".." would lead elsewhere
        raise InvalidInputError(
            _("There is no run {run}.", run=run),
            why=_("The runs are in {runs}, a folder each.", runs=runs),
        )
    view = view_of(folder / journal.NAME)
    if view is not None and (holder := _holder(run, view)):
        raise InvalidInputError(
            _("The run {run} is in progress: {holder}.", run=run, holder=holder),
            why=_("Its record is still being written."),
            fix=_("Wait until it has ended, or stop it."),
        )
    shutil.rmtree(folder)


def _summary(run: str, view: RunView) -> RecordedRun:
    trained, registered = view.output(TRAIN), view.output(REGISTER)
    holder = _holder(run, view)
    return RecordedRun(
        run,
        view.recipe,
        view.target,
        view.started,
        "in progress" if holder else ENDS.get(view.exit_code, "failed"),
        _("{model} version {version}", model=registered.model, version=registered.version)
        if registered
        else "",
        trained.summary() if trained else "",
        holder,
    )


def _holder(run: str, view: RunView) -> str:
    """The process that works on a run, in words; empty if none does."""
    found = lease.holder_of(run) if view.exit_code is None else None
    return found.words if found else ""
