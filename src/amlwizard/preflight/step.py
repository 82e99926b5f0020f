"""Preflight as a step of the journey: after the sign-in, before the first write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import Finding, InvalidInputError, lowered
from amlwizard.json_types import Document
from amlwizard.language import _, _n
from amlwizard.payloads import FindingReported
from amlwizard.plan import Context, Step
from amlwizard.preflight import findings, survey
from amlwizard.preflight.situation import Situation

Joint: TypeAlias = Callable[[Situation, Context, ReportProgress], Sequence[Finding]]
"""What a recipe and others that are replayed with it exceed together."""


def nothing_joint(situation: Situation, ctx: Context, say: ReportProgress) -> Sequence[Finding]:
    """The `Joint` of a recipe that is replayed by itself."""
    return ()


def preflight_step(
    steps: Sequence[Step], ignored: Collection[str] = (), joint: Joint = nothing_joint
) -> Step:
    """The preflight of `steps`. Raises InvalidInputError with all findings if one of them is an
    error whose rule is not `ignored`. Otherwise the findings are reported as progress and returned
    in its outputs (``findings``, as JSON). Only a recipe without errors of its own asks for the
    `joint` findings."""

    def apply(ctx: Context, say: ReportProgress) -> Document:
        situation = survey(ctx, steps)
        found = lowered(findings(situation), ignored)
        _refuse(found)
        found += lowered(joint(situation, ctx, say), ignored)
        _refuse(found)
        for finding in found:
            say(finding.what, FindingReported(finding.to_json()))
        return {"findings": [finding.to_json() for finding in found]}

    return Step(
        "preflight", _("Preflight"), "provision", ("sign-in",), lambda ctx: None, apply, runs=True
    )


def _refuse(found: Sequence[Finding]) -> None:
    if any(finding.severity == "error" for finding in found):
        raise refusal(found)


def refusal(found: Sequence[Finding]) -> InvalidInputError:
    """The error that carries all findings; its text lists those that are errors."""
    errors = [finding for finding in found if finding.severity == "error"]
    return InvalidInputError(
        _n(
            "Preflight found {n} problem; nothing was created.",
            "Preflight found {n} problems; nothing was created.",
            len(errors),
        ),
        findings=found,
        why="\n".join(finding.what for finding in errors),
        fix="\n".join(finding.fix for finding in errors if finding.fix),
    )
