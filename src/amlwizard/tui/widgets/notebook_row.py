"""The field of the notebook: the example, or a file."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from amlwizard.language import _
from amlwizard.tui.widgets.choices import Choices
from amlwizard.tui.widgets.row import FieldRow

EXAMPLE, OWN = _("the example"), _("your own")


class NotebookChoice(Choices):
    """``● the example  ○ your own``; the name of a file, once one is picked, in the place of the
    latter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "pick", _("Pick a file"))]

    class Picking(Message):
        """A file is to be picked."""

    def __init__(self, name: str) -> None:
        super().__init__((name or OWN,), name, none=EXAMPLE)

    def watch_value(self, value: str) -> None:
        if value:
            self.choices = ("", value)

    def _choose(self, choice: str) -> None:
        if choice == OWN:
            self.action_pick()
        else:
            super()._choose(choice)

    def action_pick(self) -> None:
        self.post_message(self.Picking())


class NotebookRow(FieldRow):
    """Picks a file where there is none yet."""

    def _editor(self, text: str) -> NotebookChoice:
        return NotebookChoice(text)
