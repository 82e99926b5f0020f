"""The objections of Azure Policy, from the evaluation in its responses."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.json_types import Document

# A condition on the type adds nothing to the refusal itself.
PLAIN = ("type", "field(type)")
NEEDS = {
    "in": "is one of",
    "equals": "is",
    "like": "is like",
    "contains": "contains",
    "less": "is less than",
    "lessorequals": "is at most",
    "greater": "is greater than",
    "greaterorequals": "is at least",
    "notin": "is none of",
    "notequals": "is not",
    "notlike": "is not like",
    "notcontains": "does not contain",
}


def objections(details: Document | None) -> tuple[str, ...]:
    """The conditions that a rule matched, in words; `details` is ``evaluationDetails`` of a
    response."""
    evaluated = details.get("evaluatedExpressions") if isinstance(details, dict) else ()
    expressions = [
        e
        for e in evaluated or ()
        if isinstance(e, dict) and str(e.get("expression")).lower() not in PLAIN
    ]
    # If none is true, the rule negates its conditions: those that are false have matched.
    met = [e for e in expressions if str(e.get("result")).lower() == "true"] or expressions
    return tuple(dict.fromkeys(_said(e) for e in met))


def of_refusal(error: object) -> Iterator[str]:
    """The objections in the azure-core error of a refused request."""
    for info in getattr(error, "additional_info", None) or ():
        said = getattr(info, "info", None)
        yield from objections(said.get("evaluationDetails") if isinstance(said, dict) else None)
    for detail in getattr(error, "details", None) or ():
        yield from of_refusal(detail)


def _said(expression: Document) -> str:
    what, operator = expression.get("expression"), str(expression.get("operator")).lower()
    value, target = expression.get("expressionValue"), expression.get("targetValue")
    if operator == "exists" or value is None:
        there = operator == "exists" and str(target).lower() == "true"
        return f"{what} is there" if there else f"{what} is missing"
    listed = ", ".join(map(str, target)) if isinstance(target, list) else target
    so = "" if str(expression.get("result")).lower() == "true" else "it is not so that "
    return f"{what} is {value} ({so}it {NEEDS.get(operator, operator)} {listed})"
