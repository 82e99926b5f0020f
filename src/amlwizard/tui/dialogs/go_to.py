"""The list of pages, to go to one by its number or with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from amlwizard.language import _
from amlwizard.tui.dialogs.dialog import Dialog, described, keys
from amlwizard.tui.port import PageInfo

KEYS = (
    (_("A number"), _("Goes to that page; of 1 and 12, 1 is taken with Enter.")),
    ("enter", _("Goes to the highlighted page.")),
    ("esc", _("Stays on the present page.")),
)


class GoTo(Dialog[str]):
    """The result is the id of a page; empty on Escape. `opened` are the ids of pages that have
    something to show."""

    BINDINGS = [("escape", "dismiss('')", _("Back"))]  # noqa: RUF012

    def __init__(self, pages: Sequence[PageInfo], opened: Sequence[str]) -> None:
        super().__init__()
        self._pages, self._opened, self._typed = pages, opened, ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = _("Go to a page")
            yield OptionList(*self._options(), compact=True)
            yield Static(
                keys(("1-9", _("the number")), ("enter", _("goes there")), ("?", _("explains")),
                     ("esc", _("goes back"))),
                classes="quiet",
            )  # fmt: skip

    def _options(self) -> list[Option]:
        return [
            Option(f"{n:>3}  {page.title}", id=page.id, disabled=page.id not in self._opened)
            for n, page in enumerate(self._pages, 1)
        ]

    def explained(self) -> tuple[str, Content]:
        return _("Go to a page"), described("", KEYS)

    def on_key(self, event: events.Key) -> None:
        """Go to the page of the number that is typed, once no longer number begins with it."""
        if not (event.character or "").isdigit():
            return
        self._typed += event.character or ""
        numbers = [str(n) for n in range(1, len(self._pages) + 1)]
        if self._typed not in numbers:
            self._typed = ""
            return
        page = self._pages[int(self._typed) - 1].id
        if page in self._opened:
            self.query_one(OptionList).highlighted = int(self._typed) - 1
            if sum(number.startswith(self._typed) for number in numbers) == 1:
                self.dismiss(page)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id or "")
