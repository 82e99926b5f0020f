"""Where it begins: a new recipe, one from a file, or a session that was left."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import OptionList, Static

from amlwizard.tui.draft import new
from amlwizard.tui.page import Page


class WelcomePage(Page):
    def compose_page(self) -> ComposeResult:
        yield Static("From nothing to a scored request on a network-secured platform.")
        yield OptionList("New recipe", id="ways")

    def on_option_list_option_selected(self) -> None:
        self.wizard.take(new(), "sign-in")
