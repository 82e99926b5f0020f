from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from amlwizard.tui.page import Page


class ReviewPage(Page):
    def compose_page(self) -> ComposeResult:
        yield Static("Review")
