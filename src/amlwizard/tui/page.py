"""What every page of the wizard has: the rail above or beside it, the keys below, and the ways on
and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from amlwizard.tui.keys import Keys
from amlwizard.tui.rail import Rail

WIDE = 110

if TYPE_CHECKING:
    from amlwizard.tui.app import WizardApp


class Page(Screen[None]):
    """A subclass says what is on it in `compose_page`, and gives explanations of what has the focus
    in `explained`. Watch the app's `view`, `plan`, `findings` with ``self.watch(self.wizard, ...)``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "next_page", "Next"),
        Binding("ctrl+p", "previous_page", "Back"),
    ]

    @property
    def wizard(self) -> WizardApp:
        return cast("WizardApp", self.app)

    def compose(self) -> ComposeResult:
        # Before there are widgets: later, every one of them would be styled a second time.
        wide = self.app.size.width >= WIDE
        self.set_class(wide, "-wide", update=False)
        self.set_class(not wide, "-narrow", update=False)
        yield Rail()
        with Container(id="page"):
            yield from self.compose_page()
        yield Keys()

    def compose_page(self) -> ComposeResult:
        raise NotImplementedError

    def action_next_page(self) -> None:
        self.wizard.step(+1)

    def action_previous_page(self) -> None:
        self.wizard.step(-1)

    def about(self) -> str:
        """What F1 says of the page, before its keys; nothing where those say it all."""
        return ""

    def explained(self) -> str:
        """What F1 explains: the path of a field, or nothing for the page as a whole."""
        return ""
