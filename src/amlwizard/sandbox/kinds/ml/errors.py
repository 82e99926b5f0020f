"""How Machine Learning refuses."""

from __future__ import annotations

from amlwizard.sandbox.kinds.base import ArmError


def user_error(message: str, target: str | None = None) -> ArmError:
    return ArmError(400, "UserError", message, target)
