"""Training on Databricks, tracked into the Machine Learning workspace, and the registered model.

The tags of a registered version identify the cells and settings that it was trained from, so an
equal recipe does not train again. ARM shows these tags from outside the VNET.
"""

from __future__ import annotations

import hashlib
import json
from uuid import uuid4

from amlwizard import notebook
from amlwizard.cloud_port import ReportProgress
from amlwizard.design.private_endpoints import links
from amlwizard.errors import ExpectationError
from amlwizard.json_types import Document, JsonObject, MutableDocument
from amlwizard.notebook.access import access, api_of, scope_of
from amlwizard.notebook.contexts import noting, sweep
from amlwizard.plan import Context, Found, Step
from amlwizard.plan.outputs import (
    CLUSTER,
    REGISTER,
    TRAIN,
    WORKSPACE,
    RegisteredModel,
    TrainingOutput,
)
from amlwizard.recipe import Recipe
from amlwizard.steps.cluster import databricks_of, packages
from amlwizard.steps.platform import after_private_link
from amlwizard.steps.private_link import ready_for

# Azure's no-code scoring script imports both; a model without them crashes when it is deployed.
SERVER_REQUIREMENTS = ("azureml-ai-monitoring==1.0.0", "azureml-inference-server-http==1.5.1")
LARGEST_PICTURE = 33_000  # bytes, of which base64 makes 44,000 characters


def fingerprint(recipe: Recipe) -> str:
    """A short hash (16 hex digits) of everything that determines the trained model."""
    t = recipe.training
    made_with = [*packages(recipe), *SERVER_REQUIREMENTS]
    inputs = [notebook.source("train"), made_with, t.alpha, t.test_size, t.random_state]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def training(recipe: Recipe) -> list[Step]:
    """The steps that train the model, check the result against `expect`, and register it."""
    model = _Model(recipe)
    return [
        Step(
            TRAIN.id, "Training run", "train",
            ("cluster-libraries", *after_private_link(recipe), *_after_storage(recipe)),
            model.read_run, model.train, runs=True, audiences=("ml",),
        ),
        Step(
            "check-training", "Training as expected", "train", (TRAIN.id,), lambda ctx: None,
            model.check, runs=True,
        ),
        Step(
            REGISTER.id, "Registered model", "register", ("check-training",), model.read_version,
            model.register, runs=True,
            az=(f"az ml model create -n {model.name} --type mlflow_model "
                "--path azureml://jobs/{train.run_id}/outputs/artifacts/paths/model",),
        ),
    ]  # fmt: skip


class _Model:
    """The model of a recipe: trained, checked, registered."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.name = recipe, recipe.names.model
        self.experiment, self.mark = recipe.names.experiment, fingerprint(recipe)

    def _registered(self, ctx: Context) -> Document | None:
        """The newest registered version trained from equal cells and settings."""
        versions = ctx.cloud.ml(ctx.outputs[WORKSPACE].id).model_versions(self.name)
        return next((v for v in versions if v["tags"].get("fingerprint") == self.mark), None)

    def read_run(self, ctx: Context) -> Found | None:
        found = self._registered(ctx)
        if found is None:
            return None
        tags = found["tags"]
        run = TrainingOutput(
            tags["run_id"],
            self.experiment,
            json.loads(tags["rows"]),
            float(tags["mse"]),
            json.loads(tags["columns"]),
        )
        return Found("ready", run.to_json())

    def train(self, ctx: Context, say: ReportProgress) -> Document:
        t = self.recipe.training
        parameters: JsonObject = {
            "experiment": self.experiment,
            "mark": f"{self.mark}-{uuid4().hex[:8]}" if ctx.anew else self.mark,
            "run_name": f"ridge-{t.alpha}",
            "alpha": t.alpha,
            "test_size": t.test_size,
            "random_state": t.random_state,
            "model_requirements": [*packages(self.recipe), *SERVER_REQUIREMENTS],
            "largest_picture": LARGEST_PICTURE,
        }
        result = run_tracked(ctx, self.recipe, "train", parameters, say)
        return TrainingOutput.from_json({**result, "experiment": self.experiment}).to_json()

    def check(self, ctx: Context, say: ReportProgress) -> Document:
        # Where nothing is left to train, no notebook sweeps: a killed run's cell may have done it all.
        sweep(databricks_of(ctx), scope_of(self.recipe), ctx.outputs[CLUSTER].id)
        missed = self._missed(ctx.outputs[TRAIN])
        if missed:
            raise ExpectationError(
                f"Training did not come out as expected: {'; '.join(missed)}.",
                why=f"Run {ctx.outputs[TRAIN].run_id} in experiment {self.experiment}.",
                fix="Correct expect in the recipe, or what changed the result.",
            )
        return {}

    def _missed(self, run: TrainingOutput) -> list[str]:
        expect, missed = self.recipe.expect, []
        if expect.rows is not None and list(run.rows) != list(expect.rows):
            missed.append(f"rows: expected {list(expect.rows)}, got {list(run.rows)}")
        if expect.mse is not None and not abs(run.mse - expect.mse) <= expect.tolerance:
            missed.append(
                f"MSE: expected {expect.mse} within {expect.tolerance}, got {run.mse:.6f}"
            )
        return missed

    def read_version(self, ctx: Context) -> Found | None:
        found = self._registered(ctx)
        if found is None or found["tags"].get("run_id") != ctx.outputs[TRAIN].run_id:
            return None
        return Found("ready", self._version(ctx, found["version"]))

    def _version(self, ctx: Context, version: str) -> Document:
        model_id = f"{ctx.outputs[WORKSPACE].id}/models/{self.name}/versions/{version}"
        return RegisteredModel(self.name, version, model_id).to_json()

    def register(self, ctx: Context, say: ReportProgress) -> Document:
        run = ctx.outputs[TRAIN]
        tags = {
            "fingerprint": self.mark,
            "run_id": run.run_id,
            "rows": json.dumps(run.rows),
            "mse": repr(run.mse),
            "columns": json.dumps(run.columns),
        }
        parameters: JsonObject = {"run_id": run.run_id, "model": self.name, "tags": tags}
        return self._version(
            ctx, str(run_tracked(ctx, self.recipe, "register", parameters, say)["version"])
        )


def _after_storage(recipe: Recipe) -> tuple[str, ...]:
    """Ids of the steps after which the VNET can reach the blob storage of the artifacts."""
    return tuple(
        step
        for link in links(recipe)
        if link.name == "storage-blob"
        for step in ready_for(recipe, link)
    )


def run_tracked(
    ctx: Context, recipe: Recipe, name: str, parameters: JsonObject, say: ReportProgress
) -> MutableDocument:
    """Run a notebook that is signed in to the workspace; return the data of its last cell."""
    client = databricks_of(ctx)
    cluster_id = ctx.outputs[CLUSTER].id
    client.have_running(cluster_id, say, ctx.cancel)
    uri = str(ctx.cloud.ml(ctx.outputs[WORKSPACE].id).tracking_uri())
    with access(ctx, recipe) as way:
        addresses = {"tracking_uri": uri, "tracking_api": api_of(uri)}
        cells = notebook.cells(
            name, {**addresses, **way.parameters, **parameters}, after=way.notebooks
        )
        results = client.run_cells(
            cluster_id,
            cells,
            say,
            ctx.cancel,
            ask=ctx.ask,
            before_each=way.keep_up,
            closing=notebook.closing,
            noted=noting(client, scope_of(recipe), cluster_id),
        )
    return dict(results[-1].data)
