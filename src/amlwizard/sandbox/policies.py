"""Azure Policy: the evaluation of assignments with the effect `deny`.

An assignment has a `name` and a rule, ``"if": {...}``, in the language of policy definitions: `allOf`,
`anyOf`, `not`, and conditions on a `field` (`type`, `location`, `name`, `kind`, `tags`,
``tags['x']``, or an alias such as ``Microsoft.Storage/storageAccounts/allowSharedKeyAccess``).
`types` is short for a rule that denies these resource types. `mode` is `Indexed` (resources with tags
and a location), `All`, or by default: resources with tags and a location, and resource groups. The
default `effect` is `deny`; others have no effect here.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, JsonValue, value_at
from amlwizard.sandbox.state import State

GROUP = "Microsoft.Resources/subscriptions/resourceGroups"
DEFINITION = (
    "/providers/Microsoft.Authorization/policyDefinitions/6c112d4e-5bc7-47ae-a041-ea2d9dccd749"
)
TAG = re.compile(r"tags(?:\.(?P<plain>.+)|\[\s*'?(?P<quoted>.+?)'?\s*\])", re.IGNORECASE)

Test = Callable[[JsonValue, JsonValue], bool]


def _text(value: JsonValue) -> str:
    return str(value).lower()


def _texts(value: JsonValue) -> list[str]:
    """The items of a list or the keys of an object."""
    return [_text(one) for one in value] if isinstance(value, list | dict) else []


def _number(value: JsonValue) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")


def _like(value: JsonValue, pattern: JsonValue) -> bool:
    return fnmatch.fnmatchcase(_text(value), _text(pattern).replace("[", "[[]").replace("?", "[?]"))


def _held(value: JsonValue, wanted: JsonValue) -> bool:
    return _text(wanted) in _text(value)


# Each with its negation, which also holds for missing values.
TESTS: dict[str, tuple[Test, str]] = {
    "equals": (lambda value, wanted: _text(value) == _text(wanted), "notEquals"),
    "in": (lambda value, wanted: _text(value) in _texts(wanted), "notIn"),
    "like": (_like, "notLike"),
    "contains": (_held, "notContains"),
    "containsKey": (lambda value, wanted: _text(wanted) in _texts(value), "notContainsKey"),
    "less": (lambda value, wanted: _number(value) < _number(wanted), ""),
    "lessOrEquals": (lambda value, wanted: _number(value) <= _number(wanted), ""),
    "greater": (lambda value, wanted: _number(value) > _number(wanted), ""),
    "greaterOrEquals": (lambda value, wanted: _number(value) >= _number(wanted), ""),
}
OPPOSITES = {opposite: name for name, (_, opposite) in TESTS.items() if opposite}


def must_comply(state: State, document: JsonObject) -> None:
    """Refuse a document that a policy denies."""
    violations = denials(state, document)
    if violations:
        raise ArmError(
            403,
            "RequestDisallowedByPolicy",
            disallowed(document, violations),
            info=[{"type": "PolicyViolation", "info": violation} for violation in violations],
        )


def disallowed(document: JsonObject, violations: list[JsonObject]) -> str:
    """The error message."""
    identifiers = ",".join(
        f'{{"policyAssignment":{{"name":"{violation["policyAssignmentName"]}",'
        f'"id":"{violation["policyAssignmentId"]}"}}}}'
        for violation in violations
    )
    return (
        f"Resource '{document['name']}' was disallowed by policy. Policy identifiers: "
        f"'[{identifiers}]'."
    )


def denials(state: State, document: JsonObject) -> list[JsonObject]:
    """The details of every assignment that denies the document."""
    found = []
    for policy in state.data.policies:
        expressions: list[JsonObject] = []
        if _applies(policy, document) and _holds(_rule(policy), document, expressions):
            found.append(
                {
                    "evaluationDetails": {"evaluatedExpressions": expressions},
                    "policyDefinitionId": DEFINITION,
                    "policyDefinitionEffect": "deny",
                    "policyAssignmentName": policy["name"],
                    "policyAssignmentDisplayName": policy["name"],
                    "policyAssignmentId": assignment(state, policy["name"]),
                }
            )
    return found


def assignment(state: State, name: str) -> str:
    stem = f"/subscriptions/{state.subscription}/providers/Microsoft.Authorization"
    return f"{stem}/policyAssignments/{name}"


def _rule(policy: JsonObject) -> JsonObject:
    if "types" in policy and "if" not in policy:
        return {"field": "type", "in": policy["types"]}
    rule = policy.get("policyRule") or policy
    condition: JsonObject = rule["if"]
    return condition


def _applies(policy: JsonObject, document: JsonObject) -> bool:
    effect = ((policy.get("policyRule") or {}).get("then") or policy).get("effect", "deny")
    if _text(effect) != "deny":
        return False
    mode, is_group = policy.get("mode"), _text(document["type"]) == GROUP.lower()
    if mode == "All" or "types" in policy:
        return True
    return not is_group if is_group and mode == "Indexed" else "location" in document


def _holds(rule: JsonObject, document: JsonObject, seen: list[JsonObject]) -> bool:
    if "allOf" in rule:
        return all(_holds(part, document, seen) for part in rule["allOf"])
    if "anyOf" in rule:
        return any(_holds(part, document, seen) for part in rule["anyOf"])
    if "not" in rule:
        return not _holds(rule["not"], document, seen)
    operator = next(key for key in rule if key != "field")
    value, wanted = _value(rule["field"], document), rule[operator]
    result = _judged(operator, value, wanted)
    seen.append(
        {
            "result": str(result),
            "expressionKind": "Field",
            "expression": rule["field"],
            "path": rule["field"],
            **({} if value is None else {"expressionValue": value}),
            "targetValue": wanted,
            "operator": operator[0].upper() + operator[1:],
        }
    )
    return result


def _judged(operator: str, value: JsonValue, wanted: JsonValue) -> bool:
    if operator == "exists":
        return (value is not None) == (_text(wanted) == "true")
    if operator in OPPOSITES:
        return not _judged(OPPOSITES[operator], value, wanted)
    if operator not in TESTS:
        raise ArmError(400, "InvalidPolicyRule", f"The sandbox knows no operator '{operator}'.")
    values = value if isinstance(value, list) and operator != "contains" else [value]
    return value is not None and all(TESTS[operator][0](one, wanted) for one in values)


def _value(field: str, document: JsonObject) -> JsonValue:
    tag = TAG.fullmatch(field)
    if tag:
        wanted = _text(tag["plain"] or tag["quoted"])
        tags: JsonObject = document.get("tags") or {}
        return next((value for key, value in tags.items() if _text(key) == wanted), None)
    if "/" not in field:
        return document.get(field)
    kind = str(document["type"])
    if not _text(field).startswith(f"{kind.lower()}/"):
        return None
    path = field[len(kind) + 1 :]
    if "[*]" not in path:
        inner: JsonValue = value_at(document, f"properties.{path}")
        if inner is None:
            inner = value_at(document, path)
        return inner
    head, _, rest = path.partition("[*]")
    items = value_at(document, f"properties.{head}") or []
    return [value_at(item, rest.lstrip(".")) if rest else item for item in items]
