"""The list of commands, which explains itself."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette
from textual.content import Content
from textual.widgets.option_list import Option

from amlwizard.language import _

TEXT = _(
    "Type a part of a command's name, choose it with the arrow keys, and press Enter. Escape closes "
    "the list."
)


class Palette(CommandPalette):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "app.explain", _("Help"))]

    def __init__(self) -> None:
        super().__init__(placeholder=_("Search for commands…"), id="--command-palette")

    def explained(self) -> tuple[str, Content]:
        """The title and the text of its help."""
        return _("Commands"), Content(TEXT)

    def _start_no_matches_countdown(self, search_value: str) -> None:
        """As Textual's own, which says it in English only."""

        def say() -> None:
            text = Content.styled(_("No matches found"), "not bold")
            commands = self.query_one(CommandList)
            commands.add_option(Option(text, disabled=True, id=self._NO_MATCHES))
            self._list_visible = True

        self._stop_no_matches_countdown()
        if search_value:
            self._no_matches_timer = self.set_timer(self._NO_MATCHES_COUNTDOWN, say)
