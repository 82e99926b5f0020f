"""Tests on the cluster, before the model is registered, whether it can be served: a deployment
would take most of an hour to show that.

Its requirements are completed with what the inference server needs and installed in an environment of
their own; there the server is started with the scoring script and the model, and asked the recipe's
request. The tags of a registered version keep what came out.
"""

from __future__ import annotations

import hashlib
import json

from amlwizard import notebook, serving
from amlwizard.cloud.container_log import last_exception
from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.errors import StepError
from amlwizard.json_types import Document, JsonObject
from amlwizard.language import _
from amlwizard.plan import Context, Found, Step
from amlwizard.plan.outputs import FITNESS, TRAIN, Fitness
from amlwizard.recipe import Recipe
from amlwizard.rules.scoring_request import as_sent
from amlwizard.serving.unfit import explained
from amlwizard.steps.judging import judge
from amlwizard.steps.scoring_script import conda_of, script_of
from amlwizard.steps.training import fitness_in, registered, run_tracked

NEEDED = ("azureml-ai-monitoring==1.0.0", "azureml-inference-server-http>=1.4")
"""What Azure's scoring script imports and what runs it, besides all of MLflow."""
LONGEST_REASON = 1_500


def fitness(recipe: Recipe) -> list[Step]:
    """The step that tries to serve the model before it is registered."""
    return [
        Step(
            FITNESS.id, _("Serving check"), "train", ("check-training",),
            lambda ctx: kept(ctx, recipe), lambda ctx, say: check(ctx, recipe, say).to_json(),
            runs=True,
        )
    ]  # fmt: skip


def check(ctx: Context, recipe: Recipe, say: ReportProgress) -> Fitness:
    """Try to serve the model that was trained. Raises StepError, with cause and cure, where it fails."""
    run, request = ctx.outputs[TRAIN], request_of(ctx, recipe)
    judge(request, run.takes, say)
    name, text = script_of(recipe)
    if image := recipe.serving.image:
        say(_("not tried: only the image {image} has what the model needs", image=image))
        path = str(run.model["path"])
        return Fitness(path, (), (image,), 0, "", mark(recipe), _digest(request))
    parameters: JsonObject = {
        "run_id": run.run_id,
        "path": run.model["path"],
        "needed": [*NEEDED],
        "script": name,
        "conda": conda_of(recipe),
        "files": {name: text, serving.CHECK: serving.source(serving.CHECK)},
        "request": request,
        "mark": mark(recipe),
    }
    result = run_tracked(ctx, recipe, "fitness", parameters, say)
    if "unfit" in result:
        raise _unfit(result["unfit"])
    asked = _digest(request)
    return Fitness.from_json({**result, "mark": mark(recipe), "request": asked})


def _unfit(found: Document) -> StepError:
    refused = found.get("status") == 400
    said = str(found["body"]) if refused else last_exception(found["log"])
    # What else a server's log says, it survived.
    log = [found["log"]] if found["stage"] in ("look", "install") else []
    what, fix = explained(found["stage"], said, *log)
    return StepError(
        what, why=said[-LONGEST_REASON:], fix=_("{fix} What was trained is kept.", fix=fix)
    )


def kept(ctx: Context, recipe: Recipe) -> Found | None:
    """What an earlier check of the same run found, from the tags of its version. Another request is
    checked again, unless the model is deployed: then the endpoint answers it at once."""
    version = registered(ctx, recipe)
    tags = version["tags"] if version else {}
    found = fitness_in(tags)
    if found is None or tags.get("run_id") != ctx.outputs[TRAIN].run_id:
        return None
    same = found.request == _digest(request_of(ctx, recipe)) or _deployed(ctx, recipe)
    return Found("ready", found.to_json()) if found.mark == mark(recipe) and same else None


def _deployed(ctx: Context, recipe: Recipe) -> bool:
    at = f"{Ids(recipe).endpoint}/deployments/{recipe.names.deployment}"
    return ctx.cloud.arm.get(ctx.resolve(at), api_versions.MACHINE_LEARNING) is not None


def request_of(ctx: Context, recipe: Recipe) -> JsonObject:
    """The recipe's request in the form that the model takes."""
    return as_sent(recipe.scoring.request, ctx.outputs[TRAIN].takes)


def mark(recipe: Recipe) -> str:
    """A short hash of what a model is checked by: the notebook, the script and the environment."""
    by = [notebook.source("fitness"), serving.source(serving.CHECK), *script_of(recipe)]
    return _digest([*NEEDED, *by, conda_of(recipe), recipe.serving.image])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
