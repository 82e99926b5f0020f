"""The scoring request that proves that the whole platform works."""

from __future__ import annotations

import json
import shlex

from amlwizard import answers
from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import ExpectationError, StepError
from amlwizard.json_types import Document, JsonValue
from amlwizard.language import _
from amlwizard.payloads import ScoringResponse
from amlwizard.plan import Context, Step
from amlwizard.plan.outputs import ROLLOUT, TRAFFIC, ScoringOutput
from amlwizard.recipe import Expect, Recipe
from amlwizard.rules.scoring_request import as_sent, before_training
from amlwizard.steps.asking import WITH_KEY, inside, send


def scoring(recipe: Recipe) -> list[Step]:
    """The scoring step. It raises StepError for a failed request, ExpectationError if the
    predictions are not those in `expect`."""
    n = recipe.names

    def score(ctx: Context, say: ReportProgress) -> Document:
        answer = asked_as_expected(ctx, recipe, say, ctx.outputs[ROLLOUT].candidate)
        return ScoringOutput(
            ctx.outputs[TRAFFIC].scoring_uri,
            answer.response,
            round(answer.seconds, 3),
            asked_from="the VNET" if inside(recipe) else "here",
            dns_record=answer.dns_record or None,
        ).to_json()

    return [
        Step(
            "score", _("Scoring request"), "score", ("traffic",), lambda ctx: None, score, runs=True,
            az=(f"KEY=$(az ml online-endpoint get-credentials -g {n.resource_group} -w {n.workspace} "
                f"-n {n.endpoint} --query primaryKey -o tsv)",
                f"curl -X POST {{traffic.scoring_uri}} {WITH_KEY} "
                f"-H 'Content-Type: application/json' -d {_data(recipe)}"),
        )
    ]  # fmt: skip


def asked_as_expected(
    ctx: Context, recipe: Recipe, say: ReportProgress, deployment: str = ""
) -> ScoringResponse:
    """The answer to the recipe's request, of the endpoint or of one of its deployments. Raises
    StepError for a failed request, ExpectationError if the predictions are not those in `expect`."""
    patience = ctx.cloud.profile.lag
    answer = send(ctx, recipe, recipe.scoring.request, say, patience, deployment)
    if answer.status >= 400:
        raise StepError(
            _("The endpoint answered {status}.", status=answer.status),
            why="\n".join(filter(None, (str(answer.response)[:500], answer.why))),
            fix=answer.fix,
        )
    line = answers.on_a_line(answer.response)
    told = _(
        "{status} after {seconds:.2f} s: {answer}",
        status=answer.status,
        seconds=answer.seconds,
        answer=line,
    )
    say(told, answer)
    _compare(recipe.expect, answer.response)
    return answer


def _compare(expect: Expect, predictions: JsonValue) -> None:
    if expect.predictions is None:
        return
    if found := answers.difference(expect.predictions, predictions, expect.tolerance):
        raise ExpectationError(
            _("Predictions: {difference}.", difference=found),
            why=_(
                "The deployed model does not predict what the recipe expects: it answered "
                "{predictions}.",
                predictions=answers.on_a_line(predictions),
            ),
            fix=_("Correct expect in the recipe, or what changed the model."),
        )


def _data(recipe: Recipe) -> str:
    """The request as curl takes it; what is built from the trained model is in no plan, but in a file."""
    given = recipe.scoring.request
    if given is None:
        return "@request.json"
    return shlex.quote(json.dumps(as_sent(given, before_training(recipe.training))))
