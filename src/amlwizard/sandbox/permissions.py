"""Permissions of the user: `allowed` lists actions as in role definitions (None: all), `denied`
excludes some of them."""

from __future__ import annotations

import re
import uuid

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State


def is_allowed(state: State, action: str) -> bool:
    allowed = state.data.allowed
    if any(_fits(pattern, action) for pattern in state.data.denied):
        return False
    return allowed is None or any(_fits(pattern, action) for pattern in allowed)


def require(state: State, action: str, scope: str) -> None:
    """Refuse what the user lacks permission for, and what a managed group's deny assignment forbids."""
    person = state.data.person
    who = f"The client '{person.name}' with object id '{person.oid}'"
    if not is_allowed(state, action):
        raise ArmError(
            403,
            "AuthorizationFailed",
            f"{who} does not have authorization to perform action '{action}' over scope '{scope}' "
            "or the scope is invalid. If access was recently granted, please refresh your "
            "credentials.",
        )
    group = state.get("/".join(scope.split("/")[:5]))
    if group and "/microsoft.databricks/" in group.get("managedBy", "").lower():
        number = uuid.uuid5(uuid.NAMESPACE_URL, group["id"].lower()).hex
        raise ArmError(
            403,
            "DenyAssignmentAuthorizationFailed",
            f"{who} has permission to perform action '{action}' on scope '{scope}'; however, the "
            "access is denied because of the deny assignment with name 'System deny assignment "
            f"created by Azure Databricks {group['managedBy']}' and Id '{number}' at scope "
            f"'{group['id']}'.",
        )


def permissions(state: State) -> list[JsonObject]:
    """The permissions of the user's only role."""
    allowed = state.data.allowed
    return [
        {
            "actions": ["*"] if allowed is None else allowed,
            "notActions": state.data.denied,
            "dataActions": [],
            "notDataActions": [],
        }
    ]


def _fits(pattern: str, action: str) -> bool:
    regex = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(regex, action, re.IGNORECASE) is not None
