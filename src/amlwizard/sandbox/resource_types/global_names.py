"""Names that must be unique globally or in a region."""

from __future__ import annotations

from collections.abc import Callable

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State


def is_taken(state: State, kind: str, name: str, own: str = "") -> bool:
    """Whether a name is in use by another resource, in this cloud or (`taken`) elsewhere."""
    if f"{kind}/{name}".lower() in (text.lower() for text in state.data.taken):
        return True
    return any(
        resource["name"].lower() == name.lower() and resource["id"].lower() != own.lower()
        for resource in state.of_type(kind.lower())
    )


def name_available(state: State, kind: str, name: str, fits: Callable[[str], bool]) -> JsonObject:
    if not fits(name):
        return {
            "nameAvailable": False,
            "reason": "AccountNameInvalid",
            "message": f"{name} is not a valid name.",
        }
    held = kind.lower().endswith("vaults") and f"vaults/{name.lower()}" in state.data.deleted
    if held or is_taken(state, kind, name):
        return {
            "nameAvailable": False,
            "reason": "AlreadyExists",
            "message": f"The name {name} is already taken.",
        }
    return {"nameAvailable": True}
