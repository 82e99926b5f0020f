"""Training on Databricks, tracked into the Machine Learning workspace, and the registered model.

The tags of a registered version identify the cells and settings that it was trained from, so an
equal recipe does not train again. ARM shows these tags from outside the VNET.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import PurePath
from uuid import uuid4

from amlwizard import notebook, user_notebook
from amlwizard.cloud_port import ReportProgress
from amlwizard.design.private_endpoints import links
from amlwizard.errors import ExpectationError, InvalidInputError
from amlwizard.json_types import Document, JsonObject, MutableDocument
from amlwizard.language import _
from amlwizard.notebook import cells_of, data_cells, user_cells
from amlwizard.notebook.access import access, api_of, scope_of
from amlwizard.notebook.contexts import noting, sweep
from amlwizard.plan import Context, Found, Step
from amlwizard.plan.outputs import (
    CLUSTER,
    FITNESS,
    REGISTER,
    TRAIN,
    WORKSPACE,
    Fitness,
    RegisteredModel,
    TrainingOutput,
)
from amlwizard.recipe import Recipe, RecipeFile, is_sent
from amlwizard.steps.cluster import databricks_of, packages
from amlwizard.steps.platform import after_private_link
from amlwizard.steps.private_link import ready_for

# Azure's no-code scoring script imports both; a model without them crashes when it is deployed.
SERVER_REQUIREMENTS = ("azureml-ai-monitoring==1.0.0", "azureml-inference-server-http==1.5.1")
LARGEST_PICTURE = 33_000  # bytes, of which base64 makes 44,000 characters
LONGEST_TAG = 4_000  # characters
MOST_METRICS = 50
FITNESS_TAG = "fitness"


def fingerprint(recipe: Recipe) -> str:
    """A short hash (16 hex digits) of everything that determines the trained model."""
    t = recipe.training
    made_with = [*packages(recipe), *SERVER_REQUIREMENTS]
    inputs = [_digest(_content(t.notebook)), made_with, dict(t.parameters), _data(t.data)]
    return _digest(json.dumps(inputs, sort_keys=True).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _content(notebook: RecipeFile | None) -> bytes:
    try:
        return user_notebook.content_of(notebook.path if notebook else None)
    except OSError as error:
        raise _unreadable("training.notebook", notebook, error) from None


def _data(data: RecipeFile | None) -> str:
    """What stands for the data: a file's content, or where it is."""
    if data is None or not is_sent(data):
        return data or ""
    try:
        return _digest(data.path.read_bytes())
    except OSError as error:
        raise _unreadable("training.data", data, error) from None


def _unreadable(field: str, name: str | None, error: OSError) -> InvalidInputError:
    return InvalidInputError(
        _("{field}: {name} cannot be read.", field=field, name=name),
        why=error.strerror or "",
        fix=_("Put it beside the recipe, or name it from there."),
    )


def training(recipe: Recipe) -> list[Step]:
    """The steps that train the model and check the result against `expect`."""
    model = _Model(recipe)
    return [
        Step(
            TRAIN.id, _("Training run"), "train",
            ("cluster-libraries", *after_private_link(recipe), *_after_storage(recipe)),
            model.read_run, model.train, runs=True, audiences=("ml",),
        ),
        Step(
            "check-training", _("Training result check"), "train", (TRAIN.id,), lambda ctx: None,
            model.check, runs=True,
        ),
    ]  # fmt: skip


def registration(recipe: Recipe) -> list[Step]:
    """The step that registers the model."""
    model = _Model(recipe)
    return [
        Step(
            REGISTER.id, _("Registered model"), "register", (FITNESS.id,), model.read_version,
            model.register, runs=True,
            az=(f"az ml model create -n {model.name} --type mlflow_model "
                "--path azureml://jobs/{train.run_id}/outputs/artifacts/paths/model",),
        ),
    ]  # fmt: skip


def fitness_in(tags: Document) -> Fitness | None:
    """What the tags of a registered version say of its fitness to be served."""
    return Fitness.from_json(json.loads(tags[FITNESS_TAG])) if FITNESS_TAG in tags else None


def registered(ctx: Context, recipe: Recipe) -> Document | None:
    """The newest registered version that was trained from equal cells and settings."""
    return _Model(recipe).registered(ctx)


class _Model:
    """The model of a recipe: trained, checked, registered."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.name = recipe, recipe.names.model
        self.experiment, self.mark = recipe.names.experiment, fingerprint(recipe)
        file = recipe.training.notebook
        self.notebook = file.path.name if file else user_notebook.EXAMPLE

    def registered(self, ctx: Context) -> Document | None:
        """The newest registered version trained from equal cells and settings."""
        versions = ctx.cloud.ml(ctx.outputs[WORKSPACE].id).model_versions(self.name)
        return next((v for v in versions if v["tags"].get("fingerprint") == self.mark), None)

    def read_run(self, ctx: Context) -> Found | None:
        found = self.registered(ctx)
        if found is None:
            return None
        tags = found["tags"]
        metrics, model = json.loads(tags["metrics"]), json.loads(_joined(tags, "model"))
        run = TrainingOutput(tags["run_id"], self.experiment, metrics, model, self.notebook)
        return Found("ready", run.to_json())

    def train(self, ctx: Context, say: ReportProgress) -> Document:
        t = self.recipe.training
        own = user_notebook.read(t.notebook.path if t.notebook else None)
        parameters: JsonObject = {
            "experiment": self.experiment,
            "mark": f"{self.mark}-{uuid4().hex[:8]}" if ctx.again else self.mark,
            "run_name": PurePath(own.name).stem if t.notebook else "diabetes",
            "notebook": own.name,
            "given": dict(t.parameters),
            "largest_picture": LARGEST_PICTURE,
        }
        between = [*(data_cells(t.data) if t.data else ()), *user_cells(own)]
        cells = [*cells_of("open_run"), *between, *cells_of("finish_run")]
        result = run_signed_in(ctx, self.recipe, cells, parameters, say)
        known = {"experiment": self.experiment, "notebook": own.name}
        return TrainingOutput.from_json({**result, **known}).to_json()

    def check(self, ctx: Context, say: ReportProgress) -> Document:
        # Where nothing is left to train, no notebook sweeps: a killed run's cell may have done it all.
        sweep(databricks_of(ctx), scope_of(self.recipe), ctx.outputs[CLUSTER].id)
        missed = self._missed(ctx.outputs[TRAIN])
        if missed:
            raise ExpectationError(
                _("Training did not come out as expected: {missed}.", missed="; ".join(missed)),
                why=_(
                    "MLflow run {run_id} in experiment {experiment}.",
                    run_id=ctx.outputs[TRAIN].run_id,
                    experiment=self.experiment,
                ),
                fix=_("Correct expect in the recipe, or what changed the result."),
            )
        return {}

    def _missed(self, run: TrainingOutput) -> list[str]:
        expect = self.recipe.expect
        checked = (
            (name, metric.missed(run.metrics.get(name), expect.tolerance))
            for name, metric in expect.metrics.items()
        )
        return [f"{name}: {missed}" for name, missed in checked if missed]

    def read_version(self, ctx: Context) -> Found | None:
        found, fitness = self.registered(ctx), ctx.outputs[FITNESS]
        tags = found["tags"] if found else {}
        if tags.get("run_id") != ctx.outputs[TRAIN].run_id or fitness_in(tags) != fitness:
            return None
        assert found
        return Found("ready", self._version(ctx, found["version"]))

    def _version(self, ctx: Context, version: str) -> Document:
        model_id = f"{ctx.outputs[WORKSPACE].id}/models/{self.name}/versions/{version}"
        return RegisteredModel(self.name, version, model_id).to_json()

    def register(self, ctx: Context, say: ReportProgress) -> Document:
        run, fitness = ctx.outputs[TRAIN], ctx.outputs[FITNESS]
        tags = {
            "fingerprint": self.mark,
            "run_id": run.run_id,
            "metrics": json.dumps(dict([*run.metrics.items()][:MOST_METRICS])),
            **_parts("model", json.dumps(dict(run.model))),
            "path": fitness.path,
            FITNESS_TAG: json.dumps(fitness.to_json()),
        }
        parameters: JsonObject = {
            "run_id": run.run_id,
            "path": fitness.path,
            "model": self.name,
            "tags": tags,
        }
        result = run_tracked(ctx, self.recipe, "register", parameters, say)
        return self._version(ctx, str(result["version"]))


def _parts(name: str, text: str) -> dict[str, str]:
    """A text as tags, each short enough for one."""
    starts = range(0, len(text), LONGEST_TAG)
    return {f"{name}.{n}": text[at : at + LONGEST_TAG] for n, at in enumerate(starts)}


def _joined(tags: Document, name: str) -> str:
    """The text that `_parts` has made tags of."""
    numbered = (f"{name}.{number}" for number in range(len(tags)))
    return "".join(tags[key] for key in numbered if key in tags)


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
    return run_signed_in(ctx, recipe, cells_of(name), parameters, say)


def run_signed_in(
    ctx: Context, recipe: Recipe, body: Sequence[str], parameters: JsonObject, say: ReportProgress
) -> MutableDocument:
    """As `run_tracked`, for the cells of a notebook."""
    client = databricks_of(ctx)
    cluster_id = ctx.outputs[CLUSTER].id
    client.have_running(cluster_id, say, ctx.cancel)
    uri = str(ctx.cloud.ml(ctx.outputs[WORKSPACE].id).tracking_uri())
    with access(ctx, recipe) as way:
        addresses = {"tracking_uri": uri, "tracking_api": api_of(uri)}
        given = {**addresses, **way.parameters, **parameters}
        signed_in = [cell for name in way.notebooks for cell in cells_of(name)]
        cells = [notebook.parameters_cell(given), *signed_in, *body]
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
