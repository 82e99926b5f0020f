"""The dialog of F1: a field or a dialog explained, then the page and its keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from amlwizard.language import _
from amlwizard.tui.widgets.key_footer import KeyFooter

WIDEST, SHARE, AROUND = 72, 0.96, 8  # as in style.tcss: borders, padding and scroll bar


def room(app: App[object]) -> int:
    """The columns that a text has in the dialog."""
    return min(WIDEST, int(SHARE * app.size.width)) - AROUND


class HelpScreen(ModalScreen[None]):
    """`topics` are titles and texts: the first is shown, and F1 shows the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "app.pop_screen", _("Close")),
        Binding("f1,question_mark", "turn", _("More"), key_display="f1"),
    ]

    def __init__(self, *topics: tuple[str, Content]) -> None:
        super().__init__()
        self._topics: Sequence[tuple[str, Content]] = topics

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"):
            with VerticalScroll():
                yield Static(id="topic")
            yield KeyFooter()

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        title, text = self._topics[0]
        self.query_one(Vertical).border_title = title
        if self._topics[1:]:
            self.query_one(Vertical).border_subtitle = f"F1: {self._topics[1][0]}"
        self.query_one("#topic", Static).update(text)
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return len(self._topics) > 1 if action == "turn" else True

    def action_turn(self) -> None:
        self._topics = (*self._topics[1:], self._topics[0])
        self._show()
