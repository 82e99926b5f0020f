"""The list of commands, which explains itself."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.content import Content

TEXT = (
    "Type a part of a command's name, choose it with the arrow keys, and press Enter. Escape closes "
    "the list."
)


class Commands(CommandPalette):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f1", "app.explain", "Help")]

    def explained(self) -> tuple[str, Content]:
        """The title and the text of its help."""
        return "Commands", Content(TEXT)
