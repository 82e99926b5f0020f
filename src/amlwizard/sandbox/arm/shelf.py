"""Where the document of a resource is kept: some stand inside that of their parent."""

from __future__ import annotations

import re

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds import KINDS
from amlwizard.sandbox.kinds.base import ArmError, Body
from amlwizard.sandbox.world import World

# Types whose documents are items of a list in their parent's, and the list.
WITHIN = {
    "microsoft.network/virtualnetworks/subnets": "subnets",
    "microsoft.network/networksecuritygroups/securityrules": "securityRules",
}
ROLES = "microsoft.authorization/roleassignments"


def holder(rid: ResourceId) -> str:
    """The id of the document, which is also what an operation locks."""
    return rid.parent if rid.type in WITHIN else rid.text


def find(world: World, rid: ResourceId) -> Body | None:
    if rid.type not in WITHIN:
        return world.get(rid.text)
    parent = world.get(rid.parent)
    items: list[Body] = parent["properties"][WITHIN[rid.type]] if parent else []
    return next((item for item in items if item["name"].lower() == rid.name.lower()), None)


def existing(world: World, rid: ResourceId) -> Body:
    """The document, or the refusal that ARM words for what is missing: group or resource."""
    must_have_group(world, rid)
    found = find(world, rid)
    if found is None:
        raise not_found(rid)
    return found


def must_have_group(world: World, rid: ResourceId) -> None:
    group = f"/subscriptions/{rid.subscription}/resourceGroups/{rid.group}"
    if rid.group and not world.get(group):
        raise ArmError(
            404, "ResourceGroupNotFound", f"Resource group '{rid.group}' could not be found."
        )


def not_found(rid: ResourceId) -> ArmError:
    return ArmError(
        404,
        "NotFound" if rid.type.count("/") > 1 else "ResourceNotFound",
        f"The Resource '{KINDS[rid.type].type}/{rid.name}' under resource group '{rid.group}' was "
        "not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def children(world: World, rid: ResourceId, where: str = "") -> list[Body]:
    """The items of a collection. `where` is the $filter, which role assignments alone know."""
    scope = rid.text.rsplit("/", 1)[0] if rid.names else rid.scope
    if rid.type in WITHIN:
        return list(existing(world, ResourceId.parse(scope))["properties"][WITHIN[rid.type]])
    if rid.type == ROLES:
        return [a for a in world.of_type(rid.type) if _assigned(a, scope, where)]
    return list(world.of_type(rid.type, scope))


def _assigned(assignment: Body, scope: str, where: str) -> bool:
    """Whether a role assignment is at, above or below a scope; atScope() leaves out those below."""
    p = assignment["properties"]
    whose = re.search(r"principalId eq '([^']+)'", where)
    if whose and p["principalId"].lower() != whose[1].lower():
        return False
    here, given = f"{scope.lower()}/", f"{p['scope'].lower()}/"
    return here.startswith(given) or ("atScope()" not in where and given.startswith(here))
