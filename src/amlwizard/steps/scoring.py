"""The scoring request that proves that the whole platform works."""

from __future__ import annotations

import json
import shlex

from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import ExpectationError, StepError
from amlwizard.json_types import Document, JsonValue
from amlwizard.plan import Context, Step
from amlwizard.plan.outputs import TRAFFIC, ScoringOutput
from amlwizard.recipe import Expect, Recipe
from amlwizard.rules.scoring_request import as_sent, before_training
from amlwizard.steps.asking import inside, send


def scoring(recipe: Recipe) -> list[Step]:
    """The scoring step. It raises StepError for a failed request, ExpectationError if the
    predictions are not those in `expect`."""

    def score(ctx: Context, say: ReportProgress) -> Document:
        given = recipe.scoring.request
        answer = send(ctx, recipe, given, say, ctx.cloud.profile.lag)
        if answer.status >= 400:
            raise StepError(
                f"The endpoint answered {answer.status}.",
                why="\n".join(filter(None, (str(answer.response)[:500], answer.why))),
                fix=answer.fix,
            )
        predictions = _numbers(answer.response)
        say(
            f"{answer.status} after {answer.seconds:.2f} s: "
            + ", ".join(f"{p:.3f}" for p in predictions),
            answer,
        )
        _compare(recipe.expect, predictions)
        return ScoringOutput(
            ctx.outputs[TRAFFIC].scoring_uri,
            predictions,
            round(answer.seconds, 3),
            asked_from="the VNET" if inside(recipe) else "here",
            dns_record=answer.dns_record or None,
        ).to_json()

    sent = as_sent(recipe.scoring.request, before_training(recipe.training))
    return [
        Step(
            "score", "Scoring request", "score", ("traffic",), lambda ctx: None, score, runs=True,
            az=("curl -X POST {traffic.scoring_uri} -H 'Authorization: Bearer ***' "
                f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(sent))}",),
        )
    ]  # fmt: skip


def _numbers(body: JsonValue) -> list[float]:
    if isinstance(body, list) and all(isinstance(p, (int, float)) for p in body):
        return [float(p) for p in body]
    raise StepError(
        "The endpoint's answer is no list of numbers.",
        why=str(body)[:500],
        fix="Check the request and the deployed model.",
    )


def _compare(expect: Expect, predictions: list[float]) -> None:
    wanted = expect.predictions
    if wanted is None:
        return
    near = len(wanted) == len(predictions) and all(
        abs(a - b) <= expect.tolerance for a, b in zip(wanted, predictions, strict=True)
    )
    if not near:
        raise ExpectationError(
            f"Predictions: expected {wanted} within {expect.tolerance}, "
            f"got {[round(p, 6) for p in predictions]}.",
            why="The deployed model does not predict what the recipe expects.",
            fix="Correct expect in the recipe, or what changed the model.",
        )
