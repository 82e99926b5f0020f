"""Endpoint, deployment, traffic, and the scoring request that proves that all of it works."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amlwizard import notebook
from amlwizard.errors import CloudError, ExpectationMissed, StepFailed
from amlwizard.plan import Context, Json, Resource, Say, Step
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.cluster import running
from amlwizard.steps.naming import Ids
from amlwizard.steps.platform import ML_API
from amlwizard.steps.training import scope_of


def serving(recipe: Any) -> list[Step]:
    return [*_deployed(recipe), _score(recipe)]


def _deployed(recipe: Any) -> list[Step]:
    ids, n, s = Ids(recipe), recipe.names, recipe.serving
    in_workspace = f"-g {n.resource_group} -w {n.workspace}"
    endpoint = ids.tracked(
        {"authMode": "Key", "compute": "{kubernetes-compute.id}"},
        identity={"type": "SystemAssigned"},
    )
    resources = {"cpu": s.cpu, "memory": s.memory}
    deployment = ids.tracked(
        {
            "endpointComputeType": "Kubernetes",
            "model": "{register.model_id}",
            "appInsightsEnabled": True,
            "scaleSettings": {"scaleType": "Default"},
            "containerResourceRequirements": {
                "containerResourceRequests": resources,
                "containerResourceLimits": resources,
            },
        },
        sku={"name": "Default", "capacity": s.instances},
    )
    traffic = {**endpoint, "properties": {**endpoint["properties"], "traffic": {n.deployment: 100}}}
    deploy = arm_step(
        "deployment",
        "Deployment",
        Resource(f"{ids.endpoint}/deployments/{n.deployment}", ML_API, deployment),
        after=("endpoint", "register", "build-compute", *_image_sources(recipe)),
        phase="deploy",
        az=(f"az ml online-deployment create {in_workspace} -e {n.endpoint} -f <deployment.yml>",),
    )
    return [
        arm_step(
            "endpoint",
            "Online endpoint",
            Resource(ids.endpoint, ML_API, endpoint),
            after=("kubernetes-compute",),
            phase="deploy",
            az=(f"az ml online-endpoint create {in_workspace} -n {n.endpoint} -f <endpoint.yml>",),
        ),
        _with_logs(deploy, n.endpoint, n.deployment),
        arm_step(
            "traffic",
            "Traffic to the deployment",
            Resource(ids.endpoint, ML_API, traffic),
            after=("deployment",),
            outputs={"scoring_uri": "properties.scoringUri"},
            phase="deploy",
            az=(
                f"az ml online-endpoint update {in_workspace} -n {n.endpoint} "
                f"--traffic {n.deployment}=100",
            ),
            removable=False,
        ),
    ]


def _image_sources(recipe: Any) -> tuple[str, ...]:
    """What the image build and the pull reach through private endpoints."""
    steps: tuple[str, ...] = ()
    if recipe.security.registry == "private-endpoint":
        steps += ("zone-group.registry",)
    if recipe.security.storage == "private-endpoint":
        steps += ("zone-group.storage-blob",)
    return steps


def _with_logs(step: Step, endpoint: str, deployment: str) -> Step:
    """A failed deployment says little; what its container wrote says why."""

    def apply(ctx: Context, say: Say) -> Json:
        try:
            return step.apply(ctx, say)
        except CloudError as error:
            ml = ctx.cloud.ml(ctx.outputs["workspace"]["id"])
            logs = ml.deployment_logs(endpoint, deployment)
            if logs:
                error.why = f"{error.why}\nThe container wrote: {logs}".strip()
            raise

    return replace(step, apply=apply)


def as_input_data(request: dict[str, Any]) -> dict[str, Any]:
    """What an MLflow deployment wants: ``{"data": rows}``, the old form, becomes input_data."""
    if "data" in request and "input_data" not in request:
        return {**{k: v for k, v in request.items() if k != "data"}, "input_data": request["data"]}
    return request


def _score(recipe: Any) -> Step:
    inside = recipe.serving.load_balancer == "internal"

    def score(ctx: Context, say: Say) -> Json:
        given = recipe.scoring.request
        sent = as_input_data(given)
        uri = ctx.outputs["traffic"]["scoring_uri"]
        key = ctx.cloud.ml(ctx.outputs["workspace"]["id"]).keys(recipe.names.endpoint)
        if sent != given:
            say("the request's data is sent as input_data", given=given, sent=sent)
        status, body, seconds = (
            _from_inside(ctx, recipe, uri, key, sent, say)
            if inside
            else _from_here(ctx, uri, key, sent)
        )
        predictions = _numbers(body)
        say(
            f"{status} after {seconds:.2f} s: {', '.join(f'{p:.3f}' for p in predictions)}",
            request=sent,
            response=body,
            seconds=seconds,
        )
        _compare(recipe.expect, predictions)
        return {
            "scoring_uri": uri,
            "predictions": predictions,
            "seconds": round(seconds, 3),
            "from": "the VNET" if inside else "here",
        }

    return Step(
        "score", "Scoring request", "score", ("traffic",), lambda ctx: None, score, runs=True,
        az=("curl -X POST <scoring-uri> -H 'Authorization: Bearer ***' "
            "-H 'Content-Type: application/json' -d @request.json",),
    )  # fmt: skip


def _from_here(ctx: Context, uri: str, key: Any, sent: dict[str, Any]) -> tuple[int, Any, float]:
    scored = ctx.cloud.score(uri, key, sent)
    return scored.status, scored.body, scored.seconds


def _from_inside(
    ctx: Context, recipe: Any, uri: str, key: Any, sent: dict[str, Any], say: Say
) -> tuple[int, Any, float]:
    """By a cell on the Databricks cluster; the key goes through its secret scope."""
    client = ctx.cloud.databricks(ctx.outputs["databricks"]["url"])
    cluster_id = ctx.outputs["databricks-cluster"]["id"]
    scope = scope_of(recipe)
    running(client, cluster_id, say, ctx)
    client.put_secret(scope, "scoring-key", key.reveal())
    parameters = {"uri": uri, "scope": scope, "request": sent}
    result = client.run_cells(cluster_id, notebook.cells("score", parameters), say, ctx.cancel)
    answer = result[-1].data
    if answer["status"] >= 400:
        raise StepFailed(
            f"The endpoint answered {answer['status']}.",
            why=str(answer["body"])[:500],
            fix="5xx: look at the deployment's logs. 4xx: check the request and the key.",
        )
    return answer["status"], answer["body"], answer["seconds"]


def _numbers(body: Any) -> list[float]:
    if isinstance(body, list) and all(isinstance(p, (int, float)) for p in body):
        return [float(p) for p in body]
    raise StepFailed(
        "The endpoint's answer is no list of numbers.",
        why=str(body)[:500],
        fix="Check the request and the deployed model.",
    )


def _compare(expect: Any, predictions: list[float]) -> None:
    wanted = expect.predictions
    if wanted is None:
        return
    near = len(wanted) == len(predictions) and all(
        abs(a - b) <= expect.tolerance for a, b in zip(wanted, predictions, strict=True)
    )
    if not near:
        raise ExpectationMissed(
            f"Predictions: expected {wanted} within {expect.tolerance}, "
            f"got {[round(p, 6) for p in predictions]}.",
            why="The deployed model does not predict what the recipe expects.",
            fix="Correct expect in the recipe, or what changed the model.",
        )
