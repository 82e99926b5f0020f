"""The journey: every step from an empty subscription to a scored request, as one graph."""

from __future__ import annotations

from collections.abc import Collection

from amlwizard.plan import Step
from amlwizard.preflight.step import Joint, nothing_joint, preflight_step
from amlwizard.recipe import Recipe
from amlwizard.steps import (
    cluster,
    entry,
    fitness,
    foundation,
    kubernetes,
    network,
    platform,
    private_link,
    scoring,
    scoring_script,
    serving,
    training,
    verify,
)


def steps_for(
    recipe: Recipe, ignored: Collection[str] = (), joint: Joint = nothing_joint
) -> list[Step]:
    """All steps of a recipe. Their order follows from `after` alone. `ignored` holds the preflight
    rules whose findings do not stop the run; `joint` finds what others have to do with them."""
    journey = [
        *foundation.foundation(recipe),
        *network.network(recipe),
        *entry.entry(recipe),
        *platform.workspace(recipe),
        *private_link.private_link(recipe),
        *platform.databricks(recipe),
        *kubernetes.kubernetes(recipe),
        *cluster.cluster(recipe),
        *training.training(recipe),
        *fitness.fitness(recipe),
        *training.registration(recipe),
        *scoring_script.scoring_script(recipe),
        *serving.serving(recipe),
        *scoring.scoring(recipe),
    ]
    journey = [preflight_step(journey, ignored, joint), *journey, verify.verify(recipe, journey)]
    audiences = sorted({audience for step in journey for audience in step.audiences})
    return [foundation.sign_in_step(recipe, audiences), *journey]
