"""The runs command: what was run on this machine, or which versions of a recipe's model there are."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from amlwizard import journal
from amlwizard.app.application import Application
from amlwizard.cli.options import RunsOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.run_output import while_read
from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.console import login_prompt, output
from amlwizard.console.output import indented
from amlwizard.errors import InvalidInputError
from amlwizard.paths import state_folder
from amlwizard.plain_text import PlainText
from amlwizard.plan.outputs import REGISTER, TRAIN
from amlwizard.recorded_run import view_of
from amlwizard.steps.model_versions import ModelVersion
from amlwizard.view import RunView

MOST = 50
ENDS = {None: "unfinished", 0: "done", 130: "cancelled"}


@dataclass(frozen=True)
class RecordedRun(PlainText):
    """A run on this machine. `began` is in seconds since the epoch."""

    run: str
    recipe: str
    target: str
    began: float
    end: str
    model: str = ""
    metrics: str = ""


def runs(given: RunsOptions) -> int:
    """Return 0. Raises InvalidInputError for a recipe without a target, or the reverse."""
    if given.recipe is None:
        return _show_runs([*_recorded()], given.json)
    if given.target is None:
        raise InvalidInputError(
            "Which cloud is to be asked?",
            why="The versions of a recipe's model are those that its workspace has.",
            fix="Add --target azure or --target sandbox.",
        )
    recipe = usable_recipe(given.recipe, changes(given.set))
    with (
        Application(choice_of(given)) as application,
        cancelling(ABOUT_READING) as control,
        application.using(given.target, control.cancelled) as target,
    ):
        prompt = while_read(login_prompt(target.approved_by), control)
        found = application.model_versions(recipe, prompt, control.cancelled)
    return _show_versions(recipe.names.model, found, given.json)


def _recorded() -> Iterator[RecordedRun]:
    for path in journal.newest(state_folder() / "runs", MOST):
        view = view_of(path)
        if view is not None and view.run:
            yield _summary(path, view)


def _summary(path: Path, view: RunView) -> RecordedRun:
    trained, registered = view.output(TRAIN), view.output(REGISTER)
    return RecordedRun(
        path.parent.name,
        view.recipe,
        view.target,
        view.started,
        ENDS.get(view.exit_code, "failed"),
        f"{registered.model} version {registered.version}" if registered else "",
        trained.summary() if trained else "",
    )


def _show_runs(found: Sequence[RecordedRun], as_json: bool) -> int:
    if as_json:
        print(json.dumps({"runs": [asdict(run) for run in found]}, indent=2))
        return 0
    if not found:
        print("Nothing was run on this machine yet.")
        return 0
    console = output(sys.stdout)
    for run in found:
        began = f"{datetime.fromtimestamp(run.began):%Y-%m-%d %H:%M}"
        console.print(Text.assemble((run.run, "bold"), f"  {began}  {run.end}"))
        built = f"{run.recipe} on {run.target}"
        what = "; ".join(filter(None, (built, run.model, run.metrics)))
        console.print(indented(what, 4))
    return 0


def _show_versions(model: str, found: Sequence[ModelVersion], as_json: bool) -> int:
    if as_json:
        print(json.dumps({"model": model, "versions": [v.to_json() for v in found]}, indent=2))
        return 0
    if not found:
        print(f"There is no version of {model} yet.")
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Version", "Metrics", "Serves", "MLflow run"):
        table.add_column(title, no_wrap=title == "MLflow run")
    for version in found:
        metrics = ", ".join(f"{name} {value:.6g}" for name, value in version.metrics.items())
        serves = ", ".join(f"{name} {share}%" for name, share in version.traffic.items())
        table.add_row(version.version, metrics, serves, version.run_id)
    output(sys.stdout).print(f"{model}\n", table, markup=False)
    return 0
