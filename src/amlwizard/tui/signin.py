"""Signing in, and which subscription the platform is built in."""

from __future__ import annotations

from amlwizard.tui.form import FormPage


class SignInPage(FormPage):
    def __init__(self) -> None:
        super().__init__("sign_in")
