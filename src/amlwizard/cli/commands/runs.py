"""The runs command: what was run on this machine, or which versions of a recipe's model there are."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from rich.table import Table
from rich.text import Text

from amlwizard.app.application import Application
from amlwizard.app.past_runs import forget, recorded_runs
from amlwizard.app.port import RUN_ENDS, RecordedRun
from amlwizard.cli.options import RunsOptions
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.cli.run_output import while_read
from amlwizard.cli.signals import ABOUT_READING, cancelling
from amlwizard.cli.targets import choice_of
from amlwizard.console import login_prompt, output
from amlwizard.console.output import indented
from amlwizard.errors import InvalidInputError, OperationCancelledError
from amlwizard.language import _
from amlwizard.model_version import ModelVersion
from amlwizard.paths import state_folder

MOST = 50


def runs(given: RunsOptions) -> int:
    """Return 0. Raises InvalidInputError for a recipe without a target, or the reverse."""
    if given.delete:
        return _forget(given.delete, given.yes)
    if given.recipe is None:
        found = recorded_runs(state_folder() / "runs", MOST)
        return _show_runs([*found], given.json)
    if given.target is None:
        raise InvalidInputError(
            _("A target is needed to list the versions of a model."),
            why=_("They are read from the recipe's workspace."),
            fix=_("Add --target azure or --target sandbox."),
        )
    recipe = usable_recipe(given.recipe, changes(given.set))
    with (
        Application(choice_of(given)) as application,
        cancelling(ABOUT_READING) as control,
        application.using(given.target, control.cancelled) as target,
    ):
        prompt = while_read(login_prompt(target.approved_by), control)
        versions = application.model_versions(recipe, prompt, control.cancelled)
    return _show_versions(recipe.names.model, versions, given.json)


def _forget(run: str, agreed: bool) -> int:
    """Delete the record of a run, once the user has agreed."""
    folder = state_folder() / "runs"
    if not agreed and sys.stdin.isatty():
        asked = _("Delete the record of the run {run}? What it has built stays.", run=run)
        sys.stderr.write(f"{asked} [y/N] ")
        sys.stderr.flush()
        agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
        if not agreed:
            raise OperationCancelledError(_("Not confirmed."), why=_("Nothing was deleted."))
    if not agreed:
        raise InvalidInputError(
            _("There is no terminal to confirm on."),
            why=_("Nothing was deleted."),
            fix=_("Add --yes."),
        )
    forget(folder, run)
    print(_("The record of the run {run} is deleted.", run=run), file=sys.stderr)
    return 0


def _show_runs(found: Sequence[RecordedRun], as_json: bool) -> int:
    if as_json:
        print(json.dumps({"runs": [asdict(run) for run in found]}, indent=2))
        return 0
    if not found:
        print(_("Nothing was run on this machine yet."))
        return 0
    console = output(sys.stdout)
    for run in found:
        began = f"{datetime.fromtimestamp(run.began):%Y-%m-%d %H:%M}"
        console.print(Text.assemble((run.run, "bold"), f"  {began}  {RUN_ENDS[run.end]}"))
        built = _("{recipe} on {target}", recipe=run.recipe, target=run.target)
        what = "; ".join(filter(None, (built, run.model, run.metrics)))
        console.print(indented(what, 4))
    return 0


def _show_versions(model: str, found: Sequence[ModelVersion], as_json: bool) -> int:
    if as_json:
        print(json.dumps({"model": model, "versions": [v.to_json() for v in found]}, indent=2))
        return 0
    if not found:
        print(_("There is no version of {model} yet.", model=model))
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (_("Version"), _("Metrics"), _("Serves")):
        table.add_column(title)
    table.add_column(_("MLflow run"), no_wrap=True)
    for version in found:
        metrics = ", ".join(f"{name} {value:.6g}" for name, value in version.metrics.items())
        serves = ", ".join(f"{name} {share}%" for name, share in version.traffic.items())
        table.add_row(version.version, metrics, serves, version.run_id)
    output(sys.stdout).print(f"{model}\n", table, markup=False)
    return 0
