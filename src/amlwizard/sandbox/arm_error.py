"""How Azure Resource Manager refuses."""

from __future__ import annotations

from collections.abc import Callable

from amlwizard.sandbox.documents import JsonObject


class ArmError(Exception):
    """A refusal, as ARM words it; or as `worded` by the service that it comes from. `again` is
    after how many seconds the service wants to be asked again, `by_arm` whether ARM refuses before
    the service is asked at all."""

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
    """Network's way to say that something else has to end first."""
    details = [{"code": code, "message": message}]
    return ArmError(429, "RetryableError", "A retryable error occurred.", None, details, again)


def wrapped(error: ArmError) -> JsonObject:
    """In the envelope that ARM's guidelines ask for."""
    inner: JsonObject = {"code": error.code, "message": error.message}
    if error.target:
        inner["target"] = error.target
    if error.details:
        inner["details"] = error.details
    if error.info:
        inner["additionalInfo"] = error.info
    return {"error": inner}


def bare(error: ArmError) -> JsonObject:
    """Without an envelope, as some services do."""
    return {"code": error.code, "details": None, "message": error.message, "subcode": ""}


Refusal = Callable[[ArmError], JsonObject]
