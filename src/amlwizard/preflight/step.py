"""Preflight as a step of the journey: after the sign-in, before the first write."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import Finding, InvalidInputError, lowered
from amlwizard.json_types import Document
from amlwizard.payloads import FindingReported
from amlwizard.plan import Context, Step
from amlwizard.preflight import check


def preflight_step(steps: Sequence[Step], ignored: Collection[str] = ()) -> Step:
    """The preflight of `steps`. Raises InvalidInputError with all findings if one of them is an
    error whose rule is not `ignored`. Otherwise the findings are reported as progress and returned
    in its outputs (``findings``, as JSON)."""

    def apply(ctx: Context, say: ReportProgress) -> Document:
        found = lowered(check(ctx, steps), ignored)
        errors = [finding for finding in found if finding.severity == "error"]
        if errors:
            raise refusal(found)
        for finding in found:
            say(finding.what, FindingReported(finding.to_json()))
        return {"findings": [finding.to_json() for finding in found]}

    return Step(
        "preflight", "Preflight", "provision", ("sign-in",), lambda ctx: None, apply, runs=True
    )


def refusal(found: Sequence[Finding]) -> InvalidInputError:
    """The error that carries all findings; its text lists those that are errors."""
    errors = [finding for finding in found if finding.severity == "error"]
    count = f"{len(errors)} thing{'s' if len(errors) > 1 else ''}"
    return InvalidInputError(
        f"The cloud would refuse {count}; nothing was written.",
        findings=found,
        why="\n".join(finding.what for finding in errors),
        fix="\n".join(finding.fix for finding in errors if finding.fix),
    )
