"""Resources whose documents are embedded in their parent's."""

from __future__ import annotations

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId

# The list of the parent's properties that holds the documents, by type.
LISTS = {
    "microsoft.network/virtualnetworks/subnets": "subnets",
    "microsoft.network/networksecuritygroups/securityrules": "securityRules",
}
Documents = dict[str, JsonObject]


def holder(rid: ResourceId) -> str:
    """The id of the top-level document, which is what an operation locks."""
    return rid.parent if rid.type in LISTS else rid.text


def siblings(resources: Documents, rid: ResourceId) -> list[JsonObject]:
    """The list that contains the document; empty if there is no parent."""
    parent = resources.get(rid.parent.lower())
    return parent["properties"][LISTS[rid.type]] if parent else []


def find(resources: Documents, rid: ResourceId) -> JsonObject | None:
    if rid.type not in LISTS:
        return resources.get(rid.text.rstrip("/").lower())
    name = rid.name.lower()
    return next((i for i in siblings(resources, rid) if i["name"].lower() == name), None)


def remove(resources: Documents, rid: ResourceId) -> None:
    items = siblings(resources, rid)
    items[:] = [item for item in items if item["name"].lower() != rid.name.lower()]
