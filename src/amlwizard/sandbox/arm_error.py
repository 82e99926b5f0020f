"""Errors of Azure Resource Manager."""

from __future__ import annotations

from collections.abc import Callable

from amlwizard.sandbox.documents import JsonObject


class ArmError(Exception):
    """An error response. `worded` renders its body: in ARM's envelope, or in the format of the
    service. `again` is the Retry-After in seconds; `by_arm` errors are raised by ARM itself, before
    the resource provider sees the request."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        target: str | None = None,
        details: list[JsonObject] | None = None,
        again: float | None = None,
        by_arm: bool = False,
        info: list[JsonObject] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.target, self.details, self.again = target, details or [], again
        self.worded: Refusal = wrapped
        self.by_arm, self.info = by_arm, info or []

    def body(self) -> JsonObject:
        return self.worded(self)


def retryable(code: str, message: str, again: float | None = None) -> ArmError:
    """Microsoft.Network's error when another operation has to finish first."""
    details = [{"code": code, "message": message}]
    return ArmError(429, "RetryableError", "A retryable error occurred.", None, details, again)


def wrapped(error: ArmError) -> JsonObject:
    """The standard envelope of ARM."""
    inner: JsonObject = {"code": error.code, "message": error.message}
    if error.target:
        inner["target"] = error.target
    if error.details:
        inner["details"] = error.details
    if error.info:
        inner["additionalInfo"] = error.info
    return {"error": inner}


def bare(error: ArmError) -> JsonObject:
    """The format of services that use no envelope."""
    return {"code": error.code, "details": None, "message": error.message, "subcode": ""}


Refusal = Callable[[ArmError], JsonObject]
