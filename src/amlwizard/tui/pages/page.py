"""What all pages of the wizard share: the rail above or beside them, the keys below, and moving
to the next page and back."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen

from amlwizard.language import _
from amlwizard.tui.port import Wizard
from amlwizard.tui.widgets.key_footer import KeyFooter
from amlwizard.tui.widgets.rail import Rail

WIDE = 110


class Page(Screen[None]):
    """A subclass composes its content in `compose_page`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next_page", _("Next")),
        Binding("ctrl+p", "previous_page", _("Back")),
    ]

    @property
    def wizard(self) -> Wizard:
        return cast(Wizard, self.app)

    def compose(self) -> ComposeResult:
        # Set before any widget exists: otherwise each of them would be styled a second time.
        wide = self.app.size.width >= WIDE
        self.set_class(wide, "-wide", update=False)
        self.set_class(not wide, "-narrow", update=False)
        yield Rail()
        with Container(id="page"):
            yield from self.compose_page()
        yield KeyFooter()

    def compose_page(self) -> ComposeResult:
        raise NotImplementedError

    def action_next_page(self) -> None:
        self.wizard.step(+1)

    def action_previous_page(self) -> None:
        self.wizard.step(-1)

    def focus_field(self, path: str) -> None:
        """Move the cursor to a field, given its path in the recipe, if the page has it."""

    def field_help(self) -> tuple[str, Content] | None:
        """Title and text of F1 for the focused field; None if no field has the focus."""
        return None
