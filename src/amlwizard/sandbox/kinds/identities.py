"""Microsoft.ManagedIdentity/userAssignedIdentities."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.kinds.answers import AT_ONCE, GONE_AT_ONCE, Answer
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
        states=False,
        shows_tags=True,
        creates=Answer(201, "L", states=(), itself=True),
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
    ),
]
