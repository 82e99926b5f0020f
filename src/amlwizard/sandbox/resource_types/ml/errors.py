"""Errors of Machine Learning."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject


def user_error(message: str, target: str | None = None) -> ArmError:
    return ArmError(400, "UserError", message, target)


def full_error(error: ArmError) -> JsonObject:
    """The full format, with null members and members beside the envelope, as recorded for a compute.
    Endpoints and deployments use the documented envelope, as there is no recording."""
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
