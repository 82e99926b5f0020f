"""Training on Databricks, tracked into the Machine Learning workspace, and the registered model.

What was trained is known by the registered version: its tags say from which cells and settings it
came, so that an equal recipe trains nothing anew. ARM shows them from outside the VNET.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from amlwizard import notebook
from amlwizard.cloud_port import Say
from amlwizard.design.private_endpoints import links
from amlwizard.errors import ExpectationError
from amlwizard.json_types import Document
from amlwizard.notebook.access import access, api_of
from amlwizard.plan import Context, Found, Step
from amlwizard.recipe import Recipe
from amlwizard.steps.cluster import databricks_of, packages, running
from amlwizard.steps.platform import after_private_link
from amlwizard.steps.private_link import ready_for

# The no-code scoring script of Azure imports both; a model without them crashes when it is deployed.
SERVER_REQUIREMENTS = ("azureml-ai-monitoring==1.0.0", "azureml-inference-server-http==1.5.1")
LARGEST_PICTURE = 33_000  # bytes, of which base64 makes 44,000 characters


def fingerprint(recipe: Recipe) -> str:
    """A short hash of all that decides what the trained model is."""
    t = recipe.training
    made_with = [*packages(recipe), *SERVER_REQUIREMENTS]
    inputs = [notebook.source("train"), made_with, t.alpha, t.test_size, t.random_state]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def training(recipe: Recipe) -> list[Step]:
    mark = fingerprint(recipe)
    experiment, model = recipe.names.experiment, recipe.names.model

    def latest(ctx: Context) -> Document | None:
        """The newest registered version that came from equal cells and settings."""
        versions = ctx.cloud.ml(ctx.outputs["workspace"]["id"]).model_versions(model)
        return next((v for v in versions if v["tags"].get("fingerprint") == mark), None)

    def read_run(ctx: Context) -> Found | None:
        found = latest(ctx)
        if found is None:
            return None
        tags = found["tags"]
        outputs = {
            "run_id": tags["run_id"],
            "experiment": experiment,
            "rows": json.loads(tags["rows"]),
            "mse": float(tags["mse"]),
            "columns": json.loads(tags["columns"]),
        }
        return Found("ready", outputs)

    def train(ctx: Context, say: Say) -> Document:
        parameters = {
            "experiment": experiment,
            "run_name": f"ridge-{recipe.training.alpha}",
            "alpha": recipe.training.alpha,
            "test_size": recipe.training.test_size,
            "random_state": recipe.training.random_state,
            "model_requirements": [*packages(recipe), *SERVER_REQUIREMENTS],
            "largest_picture": LARGEST_PICTURE,
        }
        result = _run(ctx, recipe, "train", parameters, say)
        keep = ("run_id", "rows", "mse", "columns")
        return {"experiment": experiment, **{key: result[key] for key in keep}}

    def check(ctx: Context, say: Say) -> Document:
        expect, run = recipe.expect, ctx.outputs["train"]
        missed = []
        if expect.rows is not None and list(run["rows"]) != list(expect.rows):
            missed.append(f"rows: expected {list(expect.rows)}, got {list(run['rows'])}")
        if expect.mse is not None and not abs(run["mse"] - expect.mse) <= expect.tolerance:
            missed.append(
                f"MSE: expected {expect.mse} within {expect.tolerance}, got {run['mse']:.6f}"
            )
        if missed:
            raise ExpectationError(
                f"Training did not come out as expected: {'; '.join(missed)}.",
                why=f"Run {run['run_id']} in experiment {experiment}.",
                fix="Correct expect in the recipe, or what changed the result.",
            )
        return {}

    def read_version(ctx: Context) -> Found | None:
        found = latest(ctx)
        if found is None or found["tags"].get("run_id") != ctx.outputs["train"]["run_id"]:
            return None
        return Found("ready", _version(ctx, found["version"]))

    def _version(ctx: Context, version: str) -> Document:
        workspace = ctx.outputs["workspace"]["id"]
        model_id = f"{workspace}/models/{model}/versions/{version}"
        return {"model": model, "version": version, "model_id": model_id}

    def register(ctx: Context, say: Say) -> Document:
        run = ctx.outputs["train"]
        tags = {
            "fingerprint": mark,
            "run_id": run["run_id"],
            "rows": json.dumps(run["rows"]),
            "mse": repr(run["mse"]),
            "columns": json.dumps(run["columns"]),
        }
        parameters = {
            "run_id": run["run_id"],
            "model": model,
            "tags": tags,
        }
        return _version(ctx, str(_run(ctx, recipe, "register", parameters, say)["version"]))

    steps = [
        Step(
            "train", "Training run", "train",
            ("cluster-libraries", *after_private_link(recipe), *_after_storage(recipe)), read_run,
            train, runs=True, audiences=("ml",),
        ),
        Step(
            "register", "Registered model", "register", ("check-training",), read_version,
            register, runs=True,
            az=(f"az ml model create -n {model} --type mlflow_model "
                "--path azureml://jobs/<run>/outputs/artifacts/paths/model",),
        ),
    ]  # fmt: skip
    checking = Step(
        "check-training", "Training as expected", "train", ("train",), lambda ctx: None, check,
        runs=True,
    )  # fmt: skip
    return [steps[0], checking, steps[1]]


def _after_storage(recipe: Recipe) -> tuple[str, ...]:
    """The steps after which the VNET reaches the blobs that artifacts are uploaded to."""
    return tuple(
        step
        for link in links(recipe)
        if link.name == "storage-blob"
        for step in ready_for(recipe, link)
    )


def _run(
    ctx: Context, recipe: Recipe, name: str, parameters: dict[str, Any], say: Say
) -> dict[str, Any]:
    """Run a notebook that tracks into the workspace; answer what its last cell put out."""
    client = databricks_of(ctx)
    cluster_id = ctx.outputs["databricks-cluster"]["id"]
    running(client, cluster_id, say, ctx)
    uri = str(ctx.cloud.ml(ctx.outputs["workspace"]["id"]).tracking_uri())
    with access(ctx, recipe) as way:
        addresses = {"tracking_uri": uri, "tracking_api": api_of(uri)}
        cells = notebook.cells(
            name, {**addresses, **way.parameters, **parameters}, after=way.notebooks
        )
        results = client.run_cells(
            cluster_id, cells, say, ctx.cancel, ask=ctx.ask, before_each=way.keep_up
        )
    return dict(results[-1].data)
