"""The scoring request that proves that all of it works: from here, or from inside the VNET."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from amlwizard import notebook
from amlwizard.errors import ExpectationMissed, StepFailed
from amlwizard.notebook.access import scope_of
from amlwizard.plan import Context, Json, Say, Step
from amlwizard.steps.cluster import databricks_of, running


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered to what was sent. `body` is JSON, or text where it is none."""

    uri: str
    sent: dict[str, Any]
    status: int
    body: Any
    seconds: float

    @property
    def curl(self) -> str:
        """The same request as a command; the key stays out of it."""
        return (
            f"curl -X POST {self.uri} -H 'Authorization: Bearer ***' "
            f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(self.sent))}"
        )

    @property
    def fix(self) -> str:
        """What to do about an answer that is none; empty where all is well."""
        if self.status < 400:
            return ""
        known = FIXES.get(self.status)
        return known or (FIXES[500] if self.status >= 500 else FIXES[400])


FIXES = {
    400: "The model does not take this request: compare it with the columns it was trained on.",
    401: "The key was refused: it may have been regenerated. Send again; a fresh one is fetched.",
    403: "The key was refused: it may have been regenerated. Send again; a fresh one is fetched.",
    404: "No deployment takes traffic at this address: replay deploys and routes it.",
    413: "The request is too large: send fewer rows at a time.",
    429: "Too many requests at once: wait a little, or give the deployment more instances.",
    500: "The deployment failed inside: look at its logs.",
    503: "No instance is ready: wait a little and send again, else look at the deployment's logs.",
    504: "The deployment took too long: send fewer rows, or give it more CPU.",
}


def scoring(recipe: Any) -> list[Step]:
    def score(ctx: Context, say: Say) -> Json:
        given = recipe.scoring.request
        answer = send(ctx, recipe, given, say)
        if answer.status >= 400:
            raise StepFailed(
                f"The endpoint answered {answer.status}.",
                why=str(answer.body)[:500],
                fix=answer.fix,
            )
        predictions = _numbers(answer.body)
        say(
            f"{answer.status} after {answer.seconds:.2f} s: "
            + ", ".join(f"{p:.3f}" for p in predictions),
            request=answer.sent,
            response=answer.body,
            status=answer.status,
            seconds=answer.seconds,
            curl=answer.curl,
        )
        _compare(recipe.expect, predictions)
        return {
            "scoring_uri": answer.uri,
            "predictions": predictions,
            "seconds": round(answer.seconds, 3),
            "from": "the VNET" if _inside(recipe) else "here",
        }

    return [
        Step(
            "score", "Scoring request", "score", ("traffic",), lambda ctx: None, score, runs=True,
            az=("curl -X POST <scoring-uri> -H 'Authorization: Bearer ***' "
                "-H 'Content-Type: application/json' -d @request.json",),
        )
    ]  # fmt: skip


def send(ctx: Context, recipe: Any, given: dict[str, Any], say: Say) -> Answer:
    """Send a request to the endpoint, as it wants it; its answer, of whatever status."""
    sent = as_input_data(given)
    if sent != given:
        say("the request's data is sent as input_data", given=given, sent=sent)
    uri = ctx.outputs["traffic"]["scoring_uri"]
    key = ctx.cloud.ml(ctx.outputs["workspace"]["id"]).keys(recipe.names.endpoint)
    if _inside(recipe):
        status, body, seconds = _from_inside(ctx, recipe, uri, key, sent, say)
    else:
        scored = ctx.cloud.score(uri, key, sent)
        status, body, seconds = scored.status, scored.body, scored.seconds
    return Answer(uri, sent, status, body, seconds)


def _inside(recipe: Any) -> bool:
    """An internal load balancer answers inside the VNET only."""
    return bool(recipe.serving.load_balancer == "internal")


def as_input_data(request: dict[str, Any]) -> dict[str, Any]:
    """What an MLflow deployment wants: ``{"data": rows}``, the old form, becomes input_data."""
    if "data" in request and "input_data" not in request:
        return {**{k: v for k, v in request.items() if k != "data"}, "input_data": request["data"]}
    return request


def _from_inside(
    ctx: Context, recipe: Any, uri: str, key: Any, sent: dict[str, Any], say: Say
) -> tuple[int, Any, float]:
    """By a cell on the Databricks cluster; the key goes through its secret scope."""
    client = databricks_of(ctx)
    cluster_id = ctx.outputs["databricks-cluster"]["id"]
    scope = scope_of(recipe)
    running(client, cluster_id, say, ctx)
    client.put_secret(scope, "scoring-key", key.reveal())
    parameters = {"uri": uri, "scope": scope, "request": sent}
    result = client.run_cells(cluster_id, notebook.cells("score", parameters), say, ctx.cancel)
    answer = result[-1].data
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
