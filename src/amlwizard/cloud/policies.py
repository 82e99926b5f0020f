"""What Azure Policy objects to, from the evaluation that its answers hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# A type alone says nothing that the refusal does not.
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


def objections(details: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The conditions that a rule met, in words; `details` are ``evaluationDetails`` of an answer."""
    expressions = [
        e
        for e in (details or {}).get("evaluatedExpressions") or ()
        if str(e.get("expression")).lower() not in PLAIN
    ]
    # Where none is true, the rule forbids what is not so: those that are false are met.
    met = [e for e in expressions if str(e.get("result")).lower() == "true"] or expressions
    return tuple(dict.fromkeys(_said(e) for e in met))


def of_refusal(error: Any) -> Iterator[str]:
    """The objections in the error of a refused request (of azure-core)."""
    for info in getattr(error, "additional_info", None) or ():
        yield from objections((getattr(info, "info", None) or {}).get("evaluationDetails"))
    for detail in getattr(error, "details", None) or ():
        yield from of_refusal(detail)


def _said(expression: Mapping[str, Any]) -> str:
    what, operator = expression.get("expression"), str(expression.get("operator")).lower()
    value, target = expression.get("expressionValue"), expression.get("targetValue")
    if operator == "exists" or value is None:
        there = operator == "exists" and str(target).lower() == "true"
        return f"{what} is there" if there else f"{what} is missing"
    listed = ", ".join(map(str, target)) if isinstance(target, list) else target
    so = "" if str(expression.get("result")).lower() == "true" else "it is not so that "
    return f"{what} is {value} ({so}it {NEEDS.get(operator, operator)} {listed})"
