"""The last step of the journey: whether the platform keeps what its recipe promises."""

from __future__ import annotations

import time
from collections.abc import Sequence

from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import ExpectationError
from amlwizard.json_types import Document
from amlwizard.language import _, _n
from amlwizard.payloads import PostureJudged
from amlwizard.plan import Context, Step
from amlwizard.plan.outputs import VERIFY, VerifyOutput
from amlwizard.posture import Posture, judge
from amlwizard.recipe import Recipe
from amlwizard.steps.evidence import EvidenceScope, gather


class Verification:
    """Judges the posture after all of `journey` except the scoring request, which runs in parallel.

    The posture is reported as progress and then held in `posture`, even if promises are broken.
    `strict`: a promise without evidence counts as not kept.
    """

    def __init__(
        self,
        recipe: Recipe,
        journey: Sequence[Step],
        scope: EvidenceScope | None = None,
        strict: bool = False,
    ) -> None:
        self.recipe, self.scope, self.strict = recipe, scope or EvidenceScope(), strict
        self.resources = {step.id: step.resource for step in journey if step.resource}
        self.posture: Posture | None = None

    def step(self, *after: str) -> Step:
        """The verification as a step that follows the steps `after`."""
        return Step(
            VERIFY.id, _("Security posture check"), "verify", after, lambda ctx: None, self.judge, runs=True,
            az=("amlwizard verify RECIPE --target azure",), audiences=("ml",),
        )  # fmt: skip

    def judge(self, ctx: Context, say: ReportProgress) -> Document:
        """Gather the facts and judge them. Raises ExpectationError if a promise is not kept."""
        facts = gather(ctx, self.recipe, self.resources, self.scope, say)
        name, target = self.recipe.names.prefix, ctx.cloud.profile.name
        self.posture = posture = Posture(name, target, time.time(), judge(self.recipe, facts))
        say(posture.summary, PostureJudged(posture.to_json()))
        _must_be_kept(posture, self.strict)
        unseen = [line.id for line in posture.of("unknown")]
        return VerifyOutput(len(posture.lines), len(posture.of("ok")), unseen).to_json()


def verify(recipe: Recipe, journey: Sequence[Step]) -> Step:
    """The last step of a journey."""
    return Verification(recipe, journey).step(*_ends(journey))


def standalone_verification(
    recipe: Recipe, journey: Sequence[Step], scope: EvidenceScope
) -> tuple[Verification, list[Step]]:
    """Verification, in strict mode, of a platform built earlier; its steps are sign-in and this."""
    sign_in = next(step for step in journey if step.phase == "sign-in")
    before = [step for step in journey if step.id != VERIFY.id]
    verification = Verification(recipe, before, scope, strict=True)
    return verification, [sign_in, verification.step(sign_in.id)]


def _ends(journey: Sequence[Step]) -> tuple[str, ...]:
    """Ids of the steps that no other step depends on."""
    steps = [step for step in journey if step.phase not in ("score", "verify")]
    before = {name for step in steps for name in step.after}
    return tuple(step.id for step in steps if step.id not in before)


def _must_be_kept(posture: Posture, strict: bool) -> None:
    lines = posture.of("broken") + (posture.of("unknown") if strict else ())
    if lines:
        raise ExpectationError(
            _n(
                "{n} of {total} promises of the recipe is not shown to be kept: {promises}",
                "{n} of {total} promises of the recipe are not shown to be kept: {promises}",
                len(lines),
                total=len(posture.lines),
                promises="; ".join(line.title for line in lines),
            ),
            why="; ".join(f"{line.id}: {line.seen}" for line in lines)[:1500],
            fix="; ".join(dict.fromkeys(line.fix for line in lines if line.fix))[:1500],
        )
