"""The dialog of F1: a field in full, or the keys."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from amlwizard.tui.widgets.key_footer import KeyFooter


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,enter,q", "app.pop_screen", "Close"),
    ]

    def __init__(self, content: Content, title: str) -> None:
        super().__init__()
        self._content, self._title = content, title

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help") as dialog:
            dialog.border_title = self._title
            with VerticalScroll():
                yield Static(self._content)
            yield KeyFooter()
