"""The scoring request, judged against the model that was trained, which the recipe's rules cannot know."""

from __future__ import annotations

from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import Finding, StepError
from amlwizard.json_types import JsonObject
from amlwizard.language import _
from amlwizard.payloads import FindingReported
from amlwizard.rules.model_input import ModelInput
from amlwizard.rules.request_problems import problems

FIELD = "scoring.request"


def judge(request: JsonObject, model: ModelInput, say: ReportProgress) -> None:
    """Report what not every model accepts. Raises StepError for what Azure would refuse, or silently
    change."""
    found = problems(request, model)
    for problem in found:
        if problem.severity == "warning":
            finding = Finding("SC-1", "warning", (FIELD,), problem.what, fix=problem.fix)
            say(problem.what, FindingReported(finding.to_json()))
    errors = [problem for problem in found if problem.severity == "error"]
    if errors:
        raise StepError(
            _("The scoring request does not fit the model."),
            why="\n".join(problem.what for problem in errors),
            fix=_(
                "Correct {field} in the recipe: {fix} What was trained is kept.",
                field=FIELD,
                fix=errors[0].fix,
            ),
        )
