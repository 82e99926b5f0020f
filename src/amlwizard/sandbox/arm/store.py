"""Looking up resource documents, some of which are embedded in their parent's."""

from __future__ import annotations

import re

from amlwizard.sandbox import child_documents
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types import RESOURCE_TYPES
from amlwizard.sandbox.state import State

ROLES = "microsoft.authorization/roleassignments"


def find(state: State, rid: ResourceId) -> JsonObject | None:
    return child_documents.find(state.resources, rid)


def existing(state: State, rid: ResourceId) -> JsonObject:
    """The document. Raises ArmError (404) for a missing group or resource."""
    must_have_group(state, rid)
    found = find(state, rid)
    if found is None:
        raise not_found(rid)
    return found


def must_have_group(state: State, rid: ResourceId) -> None:
    group = f"/subscriptions/{rid.subscription}/resourceGroups/{rid.group}"
    if rid.group and not state.get(group):
        kind = RESOURCE_TYPES.get(rid.type)
        if kind and kind.parent_first:
            raise not_found(ResourceId.parse(rid.parent))
        raise ArmError(
            404, "ResourceGroupNotFound", f"Resource group '{rid.group}' could not be found."
        )


def not_found(rid: ResourceId) -> ArmError:
    kind = RESOURCE_TYPES[rid.type]
    pairs = zip(kind.type.split("/")[1:], rid.names, strict=True)
    path = "/".join([kind.type.split("/")[0], *(f"{type_}/{name}" for type_, name in pairs)])
    return ArmError(
        404,
        kind.missing,
        f"The Resource '{path}' under resource group '{rid.group}' was not found. For more details "
        "please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def children(state: State, rid: ResourceId, where: str = "") -> list[JsonObject]:
    """The items of a collection. `where` is the $filter; only role assignments support it."""
    scope = rid.text.rsplit("/", 1)[0] if rid.names else rid.scope
    if rid.type in child_documents.LISTS:
        return list(
            existing(state, ResourceId.parse(scope))["properties"][child_documents.LISTS[rid.type]]
        )
    if rid.type == ROLES:
        return [a for a in state.of_type(rid.type) if _assigned(a, scope, where)]
    return list(state.of_type(rid.type, scope))


def _assigned(assignment: JsonObject, scope: str, where: str) -> bool:
    """Whether a role assignment is at, above or below a scope; atScope() excludes those below."""
    p = assignment["properties"]
    whose = re.search(r"principalId eq '([^']+)'", where)
    if whose and p["principalId"].lower() != whose[1].lower():
        return False
    here, given = f"{scope.lower()}/", f"{p['scope'].lower()}/"
    return here.startswith(given) or ("atScope()" not in where and given.startswith(here))
