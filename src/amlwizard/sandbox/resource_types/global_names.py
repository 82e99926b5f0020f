"""Names that must be unique in the state, or in a region: who has one, and whether another may."""

from __future__ import annotations

from collections.abc import Callable

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State


def taken(state: State, kind: str, name: str, own: str = "") -> bool:
    """Whether a name that must be unique is in use, by us or by somebody else."""
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
    if held or taken(state, kind, name):
        return {
            "nameAvailable": False,
            "reason": "AlreadyExists",
            "message": f"The name {name} is already taken.",
        }
    return {"nameAvailable": True}
