"""A complete platform, for tests that tear it down with the command in every possible state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest

from support import RECIPES, Json, Ran, Sandbox

QUICKSTART = str(RECIPES / "quickstart.yaml")
TAG = {"amlwizard": "mlquick01"}
GROUP = "rg-mlquick01"
MANAGED = "rg-mlquick01-dbw"

Destroy = Callable[..., Ran]


class Standing:
    """A sandbox with the whole platform in it, reset to that before every test."""

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        self.sandbox, self.home, self.built = sandbox, home, sandbox.state
        self.arm = sandbox.cloud().arm
        self.group = f"/subscriptions/{self.arm.subscription}/resourceGroups/{GROUP}"

    def reset(self) -> None:
        self.sandbox.control("state", self.built, "PUT")
        self.sandbox.clear()

    def stand_before(self, patch: pytest.MonkeyPatch) -> None:
        """Make commands in this process use this cloud."""
        for name, value in self.environment.items():
            patch.setenv(name, value)

    @property
    def environment(self) -> dict[str, str]:
        return {**self.sandbox.environment, "AMLWIZARD_HOME": str(self.home)}

    def change(self, what: Callable[[dict[str, Any]], Any]) -> None:
        """Change the whole state of the sandbox: `what` edits it in place."""
        state = self.sandbox.state
        what(state)
        self.sandbox.control("state", state, "PUT")

    @property
    def state(self) -> Json:
        return self.sandbox.state

    @property
    def resources(self) -> dict[str, Any]:
        return dict(self.state["resources"])

    def calls(self, since: int = 0) -> list[str]:
        return self.sandbox.calls[since:]

    def id(self, kind: str, name: str, group: str = GROUP) -> str:
        return f"{self.group.removesuffix(GROUP)}{group}/providers/{kind}/{name}"

    def put(self, resource_id: str, version: str, **body: Any) -> None:
        self.arm.put(resource_id, version, body, lambda *_, **__: None, CancelEvent())
