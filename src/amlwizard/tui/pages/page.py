"""What all pages of the wizard share: the rail above or beside them, the keys below, and moving
to the next page and back."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.theme import Theme

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

    _unstyled = False
    """Whether the theme has changed since the page was last shown."""

    @property
    def wizard(self) -> Wizard:
        return cast(Wizard, self.app)

    @on(events.Mount)
    def _follow_theme(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._theme_changed, immediate=True)

    def _theme_changed(self, theme: Theme) -> None:
        self._unstyled = True

    @on(events.ScreenResume)
    def _show_again(self, event: events.ScreenResume) -> None:
        """Textual would style every widget anew, though each has been since it was mounted, and whenever
        its classes changed; only a theme that changed meanwhile is news."""
        event.refresh_styles, self._unstyled = self._unstyled, False
        for rail in self.query(Rail):
            rail.look()

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
