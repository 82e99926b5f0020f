"""What every page of the wizard has: the rail above or beside it, the keys below, and the ways on
and back."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen

from amlwizard.tui.port import Wizard
from amlwizard.tui.widgets.key_footer import KeyFooter
from amlwizard.tui.widgets.rail import Rail

WIDE = 110


class Page(Screen[None]):
    """A subclass says what is on it in `compose_page`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next_page", "Next"),
        Binding("ctrl+p", "previous_page", "Back"),
    ]

    @property
    def wizard(self) -> Wizard:
        return cast(Wizard, self.app)

    def compose(self) -> ComposeResult:
        # Before there are widgets: later, every one of them would be styled a second time.
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

    def about(self) -> str:
        """What F1 says of the page, before its keys; nothing where those say it all."""
        return ""

    def focus_field(self, path: str) -> None:
        """Put the cursor on a field, given its path in the recipe, where the page asks for it."""

    def field_help(self) -> tuple[str, Content] | None:
        """Title and text of F1 for the field that has the focus; None where none has."""
        return None
