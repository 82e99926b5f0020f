"""Names, etags and responses of network resources."""

import uuid

from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.responses import ArmResponse

UPDATING = ArmResponse(states=("Updating",))  # for new resources, too
WEAK = 'W/"{}"'
NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?"


def guid(rid: ResourceId) -> str:
    """The resourceGuid."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, rid.text.lower()))
