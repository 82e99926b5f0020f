"""Small dialogs on top of a page."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from amlwizard.language import _
from amlwizard.tui.dialogs.dialog import Dialog, described, keys


@dataclass(frozen=True)
class DialogOption:
    """An option of a question: its id, its label, and what choosing it does."""

    id: str
    label: str
    does: str


class Choose(Dialog[str]):
    """Choose one of a few options. The result is the id of the chosen one, or of the last one on
    Escape. `at` is the id of the one that is lit at first (default: the first)."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stay", _("Back"))]

    def __init__(self, title: str, text: str, ways: Sequence[DialogOption], at: str = "") -> None:
        super().__init__()
        self._title, self._text, self._ways, self._at = title, text, ways, at

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(Content(self._text))
            ways = OptionList(*(Option(way.label, id=way.id) for way in self._ways), compact=True)
            if self._at:  # before it is shown: keys may be waiting already
                ways.highlighted = ways.get_option_index(self._at)
            yield ways
            yield Static(
                keys(("enter", _("chooses")), ("?", _("explains")), ("esc", _("goes back"))),
                classes="quiet",
            )

    def explained(self) -> tuple[str, Content]:
        return self._title, described(self._text, ((way.label, way.does) for way in self._ways))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_stay(self) -> None:
        self.dismiss(self._ways[-1].id)


PATH_KEYS = (
    ("enter", _("Takes the path.")),
    ("→", _("Completes it, as far as the grey text shows.")),
    ("esc", _("Closes the dialog without taking a file.")),
)


class AskPath(Dialog[Path | None]):
    """Ask for a file's path, with completion; None on Escape. It stays open, with the path kept, while
    `refused` says what is wrong with the file."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", _("Back"))]

    def __init__(
        self,
        title: str,
        text: str,
        path: str,
        refused: Callable[[Path], str] = lambda path: "",
    ) -> None:
        super().__init__()
        self._title, self._text, self._path, self._refused = title, text, path, refused

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(Content(self._text))
            yield Input(self._path, suggester=PathSuggester(), select_on_focus=False)
            yield Static(id="wrong")
            yield Static(
                keys(
                    ("enter", _("takes it")), ("→", _("completes it")), ("f1", _("explains")),
                    ("esc", _("goes back")),
                ),
                classes="quiet",
            )  # fmt: skip

    def explained(self) -> tuple[str, Content]:
        return self._title, described(self._text, PATH_KEYS)

    @on(Input.Submitted)
    def _given(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            return
        path = Path(event.value.strip()).expanduser()
        wrong = self._refused(path)
        if wrong:
            self.query_one("#wrong", Static).update(Content.styled(f"✗ {wrong}", "$text-error"))
        else:
            self.dismiss(path)


class PathSuggester(Suggester):
    """Suggests the first file or folder that begins with what was typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        folder, start = os.path.split(value)
        try:
            entries = sorted(os.scandir(os.path.expanduser(folder) or "."), key=lambda e: e.name)
        except OSError:
            return None
        for entry in entries:
            if entry.name.startswith(start) and (start or not entry.name.startswith(".")):
                whole = os.path.join(folder, entry.name)
                return whole + "/" if entry.is_dir() else whole
        return None
