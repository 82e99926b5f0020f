"""System-assigned identities."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.resource_types.base import Call


def identify(call: Call) -> None:
    """Create the identity if the body requests a system-assigned one."""
    if (call.body.get("identity") or {}).get("type") == "SystemAssigned":
        old = ((call.old or {}).get("identity") or {}).get("principalId")
        call.body["identity"].update(
            principalId=old or str(uuid.uuid4()), tenantId=call.state.tenant
        )
