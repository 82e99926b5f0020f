"""Microsoft.ManagedIdentity/userAssignedIdentities."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.kinds.base import Call, Kind


def _identity(call: Call) -> None:
    old = (call.old or {}).get("properties", {})
    call.properties.update(
        tenantId=call.world.tenant,
        principalId=old.get("principalId", str(uuid.uuid4())),
        clientId=old.get("clientId", str(uuid.uuid4())),
    )


KINDS = [
    Kind(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        _identity,
        0,
        states=False,
        delete_seconds=0,
    ),
]
