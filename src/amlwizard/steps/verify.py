"""The last step of the journey: whether the platform keeps what its recipe promises."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from amlwizard.cloud_port import Say
from amlwizard.errors import ExpectationError
from amlwizard.json_types import Document
from amlwizard.plan import Context, Step
from amlwizard.plan.outputs import VERIFY, VerifyOutput
from amlwizard.posture import Posture, judge
from amlwizard.recipe import Recipe
from amlwizard.steps.evidence import Looking, gather


def verify(
    recipe: Recipe, journey: Sequence[Step], looking: Looking | None = None, strict: bool = False
) -> Step:
    """Judges the posture after all of `journey` but the scoring request, which runs beside it.

    The posture goes out as progress (``posture``, JSON), also where promises are broken. `strict`:
    a promise without evidence counts as not kept.
    """
    resources = {step.id: step.resource for step in journey if step.resource}

    def apply(ctx: Context, say: Say) -> Document:
        facts = gather(ctx, recipe, resources, looking or Looking(), say)
        name, target = recipe.names.prefix, ctx.cloud.profile.name
        posture = Posture(name, target, time.time(), judge(recipe, facts))
        say(posture.summary, posture=posture.to_json())
        _must_be_kept(posture, strict)
        unseen = [line.id for line in posture.of("unknown")]
        return VerifyOutput(len(posture.lines), len(posture.of("ok")), unseen).to_json()

    return Step(
        VERIFY.id, "Promises kept", "verify", _ends(journey), lambda ctx: None, apply, runs=True,
        az=("amlwizard verify <recipe> --target azure",), audiences=("ml",),
    )  # fmt: skip


def alone(recipe: Recipe, journey: Sequence[Step], looking: Looking) -> list[Step]:
    """Sign-in and the judgement, of a platform that was built before."""
    sign_in = next(step for step in journey if step.phase == "sign-in")
    before = [step for step in journey if step.id != VERIFY.id]
    return [sign_in, replace(verify(recipe, before, looking, strict=True), after=(sign_in.id,))]


def _ends(journey: Sequence[Step]) -> tuple[str, ...]:
    """The steps that nothing else comes after."""
    steps = [step for step in journey if step.phase not in ("score", "verify")]
    before = {name for step in steps for name in step.after}
    return tuple(step.id for step in steps if step.id not in before)


def _must_be_kept(posture: Posture, strict: bool) -> None:
    lines = posture.of("broken") + (posture.of("unknown") if strict else ())
    if lines:
        raise ExpectationError(
            f"{len(lines)} of {len(posture.lines)} promises of the recipe "
            f"{'is' if len(lines) == 1 else 'are'} not shown to be kept: "
            + "; ".join(line.title for line in lines),
            why="; ".join(f"{line.id}: {line.seen}" for line in lines)[:1500],
            fix="; ".join(dict.fromkeys(line.fix for line in lines if line.fix))[:1500],
        )
