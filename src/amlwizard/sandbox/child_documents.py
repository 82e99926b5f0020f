"""Resources whose documents stand inside that of their parent."""

from __future__ import annotations

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId

# Types whose documents are items of a list in their parent's, and the list.
WITHIN = {
    "microsoft.network/virtualnetworks/subnets": "subnets",
    "microsoft.network/networksecuritygroups/securityrules": "securityRules",
}
Documents = dict[str, JsonObject]


def holder(rid: ResourceId) -> str:
    """The id of the document, which is also what an operation locks."""
    return rid.parent if rid.type in WITHIN else rid.text


def siblings(resources: Documents, rid: ResourceId) -> list[JsonObject]:
    """The list that the document stands in; empty where the parent is not there."""
    parent = resources.get(rid.parent.lower())
    return parent["properties"][WITHIN[rid.type]] if parent else []


def find(resources: Documents, rid: ResourceId) -> JsonObject | None:
    if rid.type not in WITHIN:
        return resources.get(rid.text.rstrip("/").lower())
    name = rid.name.lower()
    return next((i for i in siblings(resources, rid) if i["name"].lower() == name), None)


def remove(resources: Documents, rid: ResourceId) -> None:
    items = siblings(resources, rid)
    items[:] = [item for item in items if item["name"].lower() != rid.name.lower()]
