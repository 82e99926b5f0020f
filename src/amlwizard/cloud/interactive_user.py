"""The user who signs in."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from amlwizard.cloud_port import DeviceCodePrompt


@dataclass
class InteractiveUser:
    """Who is prompted to sign in, and what ends the wait for them. `waited_for`: right now. `played`:
    the sandbox answers in their place."""

    ask: DeviceCodePrompt
    cancel: Flag
    waited_for: bool = False
    played: bool = False

    def prompt(self, url: str, user_code: str, expires_on: Any) -> None:
        self.ask(url, user_code, expires_on.timestamp())
