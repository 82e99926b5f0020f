"""The person who signs in."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from amlwizard.cloud_port import Ask


@dataclass
class Person:
    """Who is asked, and what makes the wait for them end. `waited_for`: now. `played`: the sandbox
    answers in their place."""

    ask: Ask
    cancel: Flag
    waited_for: bool = False
    played: bool = False

    def prompt(self, url: str, user_code: str, expires_on: Any) -> None:
        self.ask(url, user_code, expires_on.timestamp())
