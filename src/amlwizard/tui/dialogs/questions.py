"""Small dialogs on top of a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option


class Choose(ModalScreen[str]):
    """Choose one of a few options. `ways` are ids and labels; the result is the chosen id, or
    the last one on Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stay", "Back")]

    def __init__(self, title: str, text: str, ways: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title, self._text, self._ways = title, text, ways

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(Content(self._text))
            yield OptionList(*(Option(what, id=way) for way, what in self._ways), compact=True)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_stay(self) -> None:
        self.dismiss(self._ways[-1][0])


class AskPath(ModalScreen[Path | None]):
    """Ask for a file's path, with completion; None on Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, title: str, text: str, path: str) -> None:
        super().__init__()
        self._title, self._text, self._path = title, text, path

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(Content(self._text))
            yield Input(self._path, suggester=PathSuggester(), select_on_focus=False)
            yield Static(
                Content.assemble(
                    ("enter", "bold $accent"), " takes it   ",
                    ("→", "bold $accent"), " completes it   ",
                    ("esc", "bold $accent"), " goes back",
                ),
                classes="quiet",
            )  # fmt: skip

    @on(Input.Submitted)
    def _given(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text:
            self.dismiss(Path(text).expanduser())


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
