"""Microsoft.Authorization/locks: protection against deletion or changes."""

from __future__ import annotations

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.responses import AT_ONCE, CREATED_AT_ONCE, GONE_AT_ONCE
from amlwizard.sandbox.resource_types.shapes import Document, Shape
from amlwizard.sandbox.state import State

TYPE = "Microsoft.Authorization/locks"
LEVELS = {"delete": ("CanNotDelete", "ReadOnly"), "write": ("ReadOnly",)}


def must_be_unlocked(state: State, scope: str, verb: str) -> None:
    """Refuse to `delete` or `write` if the scope or a parent is locked; to delete also if a child
    is."""
    here = f"{scope.lower()}/"
    locked = []
    for lock in state.of_type(TYPE):
        there = f"{lock['id'].lower().rpartition('/providers/')[0]}/"
        meant = here.startswith(there) or (verb == "delete" and there.startswith(here))
        if meant and lock["properties"]["level"] in LEVELS[verb]:
            locked.append(lock["id"].rpartition("/providers/")[0])
    if locked:
        names = ", ".join(f"'{name}'" for name in locked)
        raise ArmError(
            409,
            "ScopeLocked",
            f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are "
            f"locked: {names}. Please remove the lock and try again.",
        )


class _LockProperties(Shape):
    level: str = ""


class _Lock(Document):
    properties: _LockProperties = _LockProperties()


def _lock(call: Call) -> None:
    call.require("properties.level")
    if call.properties["level"] not in LEVELS["delete"]:
        raise ArmError(
            400, "InvalidLockLevel", f"The lock level '{call.properties['level']}' is not valid."
        )


RESOURCE_TYPES = [
    ResourceType(
        TYPE,
        _lock,
        shape=_Lock,
        location="",
        states=False,
        creates=CREATED_AT_ONCE,
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
    )
]
