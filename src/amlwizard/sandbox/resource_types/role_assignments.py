"""Microsoft.Authorization/roleAssignments.

A new assignment exists at once, but services see it with a delay.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.responses import AT_ONCE, CREATED_AT_ONCE
from amlwizard.sandbox.resource_types.shapes import Document, Shape
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import RoleSighting

ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
}
SEEN_SECONDS = 90  # Azure documents up to ten minutes


class _RoleAssignmentProperties(Shape):
    roleDefinitionId: str = ""
    principalId: str = ""


class _RoleAssignment(Document):
    properties: _RoleAssignmentProperties = _RoleAssignmentProperties()


def _role_assignment(call: Call) -> None:
    call.require("properties.roleDefinitionId", "properties.principalId")
    p = call.properties
    _must_be_known(call, p)
    if p["roleDefinitionId"].rsplit("/", 1)[-1] not in ROLES.values():
        raise ArmError(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{p['roleDefinitionId'].rsplit('/', 1)[-1]}' "
            "does not exist.",
        )
    if call.old and call.old["properties"]["principalId"] != p["principalId"]:
        raise ArmError(
            400,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )
    _must_be_the_only_one(call, p)
    p["scope"] = call.id.scope
    old = (call.old or {}).get("properties", {})
    p["createdOn"], p["updatedOn"] = old.get("createdOn") or timestamp(), timestamp()
    p["updatedBy"] = call.state.data.person.oid
    p["createdBy"] = old.get("createdBy") or p["updatedBy"]
    p.setdefault("principalType", "ServicePrincipal")
    if call.old is None:
        call.state.data.assigned[call.id.text.lower()] = RoleSighting(since=time.time())


def _must_be_known(call: Call, p: JsonObject) -> None:
    """Refuse a principal that the directory does not have."""
    if not re.fullmatch(r"[0-9a-fA-F-]{36}", str(p["principalId"])):
        raise ArmError(
            400,
            "InvalidPrincipalId",
            f"The Principal ID '{p['principalId']}' is not valid. Principal ID must be a GUID.",
        )
    known = [
        i["properties"]["principalId"]
        for i in call.state.of_type("microsoft.managedidentity/userassignedidentities")
    ]
    known += [call.state.data.person.oid, *call.state.data.principals]
    known += [
        r["identity"]["principalId"]
        for r in call.state.resources.values()
        if (r.get("identity") or {}).get("principalId")
    ]
    if p["principalId"] not in known:
        raise ArmError(
            400,
            "PrincipalNotFound",
            f"Principal {p['principalId'].replace('-', '')} does not exist in the directory "
            f"{call.state.tenant}. Check that you have the correct principal ID. If you are "
            "creating this principal and then immediately assigning a role, this error might be "
            "related to a replication delay.",
        )


def _must_be_the_only_one(call: Call, p: JsonObject) -> None:
    for other in call.state.of_type("microsoft.authorization/roleassignments"):
        same = all(
            other["properties"][key].lower() == p[key].lower()
            for key in ("principalId", "roleDefinitionId")
        )
        if (
            same
            and other["properties"]["scope"].lower() == call.id.scope.lower()
            and other["id"].lower() != call.id.text.lower()
        ):
            raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")


def sees_role(state: State, principal: str, scope: str, *roles: str) -> bool:
    """Whether a service already sees that a principal has one of the roles at a scope or above."""
    return any(_seen(state, found) for found in _held(state, principal, scope, roles))


def _held(state: State, principal: str, scope: str, roles: tuple[str, ...]) -> Iterator[JsonObject]:
    wanted = {ROLES[role] for role in roles}
    for found in state.of_type("microsoft.authorization/roleassignments"):
        p = found["properties"]
        here = f"{scope.lower()}/".startswith(f"{p['scope'].lower()}/")
        role = p["roleDefinitionId"].rsplit("/", 1)[-1]
        if p["principalId"] == principal and role in wanted and here:
            yield found


def _seen(state: State, assignment: JsonObject) -> bool:
    """Counts the looks, which the `polls` clock and the limit `role_looks` depend on."""
    new = state.data.assigned.get(assignment["id"].lower())
    if new is None:
        return True
    needed = state.data.limits.role_looks
    by_clock = state.clock.done(new.since, SEEN_SECONDS, new.looks)
    if by_clock and new.looks >= needed:
        return True
    new.looks += 1
    return False


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Authorization/roleAssignments",
        _role_assignment,
        shape=_RoleAssignment,
        location="",
        states=False,
        creates=CREATED_AT_ONCE,
        updates=CREATED_AT_ONCE,
        deletes=AT_ONCE,
        missing="RoleAssignmentNotFound",
        name=r"[0-9a-fA-F-]{36}",
        patch=False,
    ),
]
