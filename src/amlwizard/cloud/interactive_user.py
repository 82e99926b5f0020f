"""The user who signs in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from threading import Event as CancelEvent

from amlwizard.cloud_port import DeviceCodePrompt


@dataclass
class InteractiveUser:
    """The user to prompt for a sign-in, and what ends the wait for them. `waited_for`: a prompt is
    open now. `played`: the sandbox answers in the user's place."""

    ask: DeviceCodePrompt
    cancel: CancelEvent
    waited_for: bool = False
    played: bool = False

    def prompt(self, url: str, user_code: str, expires_on: datetime) -> None:
        self.ask(url, user_code, expires_on.timestamp())
