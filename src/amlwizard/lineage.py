"""Where the model of a run comes from and where it went: from notebook to endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.language import _
from amlwizard.plan.outputs import DEPLOYMENT, REGISTER, TRAFFIC, TRAIN
from amlwizard.view import RunView


def lineage(view: RunView) -> list[tuple[str, str]]:
    """What each stage is and what it is called, in the order of the model's way: notebook, MLflow
    run, model version, deployment, endpoint; as far as the run has come."""
    return [*_trained(view), *_served(view)]


def _trained(view: RunView) -> Iterator[tuple[str, str]]:
    if run := view.output(TRAIN):
        if run.notebook:
            yield _("Notebook"), run.notebook
        metrics = run.summary()
        of = _("{run_id} in experiment {experiment}", run_id=run.run_id, experiment=run.experiment)
        yield _("Run"), f"{of}, {metrics}" if metrics else of
    if version := view.output(REGISTER):
        yield (
            _("Model"),
            _("{model} version {version}", model=version.model, version=version.version),
        )


def _served(view: RunView) -> Iterator[tuple[str, str]]:
    if deployment := view.output(DEPLOYMENT):
        yield _("Deployment"), deployment.id.rpartition("/")[2]
    traffic = view.output(TRAFFIC)
    if traffic and traffic.scoring_uri:
        yield _("Endpoint"), traffic.scoring_uri
