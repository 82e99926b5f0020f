"""How Machine Learning refuses."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject


def user_error(message: str, target: str | None = None) -> ArmError:
    return ArmError(400, "UserError", message, target)


def told_in_full(error: ArmError) -> JsonObject:
    """With all the fields that the service's error has, most of them null, and what it says of
    itself beside the envelope, as it was recorded for a compute. What serves has the envelope that
    its documents describe, for want of a recording."""
    return {
        "error": {
            "code": error.code,
            "severity": None,
            "message": error.message,
            "messageFormat": None,
            "messageParameters": None,
            "referenceCode": None,
            "detailsUri": None,
            "target": error.target,
            "details": error.details,
            "innerError": None,
            "debugInfo": None,
            "additionalInfo": None,
        },
        "correlation": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]},
        "environment": "westeurope",
        "location": "westeurope",
        "time": timestamp(),
        "componentName": "machinelearning",
    }
