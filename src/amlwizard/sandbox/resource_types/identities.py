"""Microsoft.ManagedIdentity/userAssignedIdentities."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.responses import AT_ONCE, GONE_AT_ONCE, ArmResponse


def _identity(call: Call) -> None:
    old = (call.old or {}).get("properties", {})
    call.properties.update(
        tenantId=call.state.tenant,
        principalId=old.get("principalId", str(uuid.uuid4())),
        clientId=old.get("clientId", str(uuid.uuid4())),
    )


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        _identity,
        states=False,
        shows_tags=True,
        creates=ArmResponse(201, "L", states=(), itself=True),
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
    ),
]
