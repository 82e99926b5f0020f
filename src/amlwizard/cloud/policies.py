"""The objections of Azure Policy, from the evaluation in its responses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amlwizard.json_types import Document
from amlwizard.language import _

# A condition on the type adds nothing to the refusal itself.
PLAIN = ("type", "field(type)")
OPPOSITES = {
    "in": "notin",
    "equals": "notequals",
    "like": "notlike",
    "contains": "notcontains",
    "less": "greaterorequals",
    "greater": "lessorequals",
}
OPPOSITES |= {other: one for one, other in OPPOSITES.items()}
MET = {
    "in": _("{field} is {value} (it is one of {wanted})"),
    "notin": _("{field} is {value} (it is none of {wanted})"),
    "equals": _("{field} is {value}"),
    "notequals": _("{field} is {value} (it is not {wanted})"),
    "like": _("{field} is {value} (it is like {wanted})"),
    "notlike": _("{field} is {value} (it is not like {wanted})"),
    "contains": _("{field} is {value} (it contains {wanted})"),
    "notcontains": _("{field} is {value} (it does not contain {wanted})"),
    "less": _("{field} is {value} (it is less than {wanted})"),
    "lessorequals": _("{field} is {value} (it is at most {wanted})"),
    "greater": _("{field} is {value} (it is greater than {wanted})"),
    "greaterorequals": _("{field} is {value} (it is at least {wanted})"),
}
"""What a resource has that a condition matches, by the condition's operator."""
OTHER = _("{field} is {value} ({operator} {wanted})")
OTHER_NOT = _("{field} is {value} (not {operator} {wanted})")


@dataclass(frozen=True)
class Objection:
    """What a policy objects to: the `field` of a resource, as the policy names it, and that in words."""

    field: str
    said: str


def objections(details: Document | None) -> tuple[Objection, ...]:
    """The conditions that a rule matched; `details` is ``evaluationDetails`` of a response."""
    evaluated = details.get("evaluatedExpressions") if isinstance(details, dict) else ()
    expressions = [
        e
        for e in evaluated or ()
        if isinstance(e, dict) and str(e.get("expression")).lower() not in PLAIN
    ]
    # If none is true, the rule negates its conditions: those that are false have matched.
    met = [e for e in expressions if str(e.get("result")).lower() == "true"] or expressions
    return tuple(dict.fromkeys(_objection(e) for e in met))


def of_refusal(error: object) -> Iterator[Objection]:
    """The objections in the azure-core error of a refused request."""
    for info in getattr(error, "additional_info", None) or ():
        said = getattr(info, "info", None)
        yield from objections(said.get("evaluationDetails") if isinstance(said, dict) else None)
    for detail in getattr(error, "details", None) or ():
        yield from of_refusal(detail)


def _objection(expression: Document) -> Objection:
    field = str(expression.get("expression"))
    return Objection(field, _said(field, expression))


def _said(field: str, expression: Document) -> str:
    operator, value = str(expression.get("operator")).lower(), expression.get("expressionValue")
    target = expression.get("targetValue")
    if operator == "exists" or value is None:
        there = operator == "exists" and str(target).lower() == "true"
        return _("{field} is there", field=field) if there else _("{field} is missing", field=field)
    wanted = ", ".join(map(str, target)) if isinstance(target, list) else target
    text = _text(operator, str(expression.get("result")).lower() == "true")
    return text.format(field=field, value=value, operator=operator, wanted=wanted)


def _text(operator: str, holds: bool) -> str:
    if holds:
        return MET.get(operator, OTHER)
    return MET.get(OPPOSITES.get(operator, ""), OTHER_NOT)
