"""Pick a file from a list of folders and files, or by typing its path."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from amlwizard.language import _
from amlwizard.tui.dialogs.dialog import Dialog, described, keys
from amlwizard.tui.dialogs.questions import PathSuggester

MOST = 500  # entries of a folder that are listed
UP = ".."
KEYS = (
    (
        "enter",
        _("Opens the folder, or takes the file, that is highlighted in the list or typed above."),
    ),
    ("tab", _("Moves between the list and the path.")),
    ("→", _("Completes the path, as far as the grey text shows.")),
    ("esc", _("Closes the dialog without taking a file.")),
)


class PickFile(Dialog[Path | None]):
    """The result is the path of a file, None on Escape. It stays open while `refused` says what is
    wrong with the file. `suffixes` are those of the files that are listed; none means all."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", _("Back"))]

    def __init__(
        self,
        title: str,
        folder: Path,
        suffixes: tuple[str, ...] = (),
        refused: Callable[[Path], str] = lambda path: "",
    ) -> None:
        super().__init__()
        self._title, self._folder, self._suffixes = title, folder.resolve(), suffixes
        self._refused = refused

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Input(suggester=PathSuggester(), select_on_focus=False, compact=True)
            yield Static(id="wrong")
            yield OptionList(id="entries", compact=True)
            yield Static(
                keys(
                    ("enter", _("opens or takes it")), ("tab", _("list or path")), ("f1", _("explains")),
                    ("esc", _("goes back")),
                ),
                classes="quiet",
            )  # fmt: skip

    def explained(self) -> tuple[str, Content]:
        return self._title, described("", KEYS)

    def on_mount(self) -> None:
        self._open(self._folder)
        self.query_one("#entries").focus()

    def _open(self, folder: Path) -> None:
        try:
            entries = [UP, *islice(self._entries(folder), MOST)]
        except OSError as error:
            why = error.strerror
            self._tell(_("{folder} cannot be read: {why}.", folder=folder, why=why))
            return
        self._folder = folder
        listed = self.query_one("#entries", OptionList)
        listed.set_options([Option(Content(entry)) for entry in entries])
        listed.highlighted = min(1, len(entries) - 1)
        self._names = entries
        typed = self.query_one(Input)
        typed.value = os.path.join(folder, "")
        typed.cursor_position = len(typed.value)
        self._tell("")

    def _entries(self, folder: Path) -> list[str]:
        """Folders first, each in the order of their names; none that is hidden."""
        with os.scandir(folder) as found:
            shown = sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
        files = [e.name for e in shown if e.is_file() and self._is_listed(e.name)]
        return [*(f"{e.name}/" for e in shown if e.is_dir()), *files]

    def _is_listed(self, name: str) -> bool:
        return not self._suffixes or name.lower().endswith(self._suffixes)

    def _tell(self, wrong: str) -> None:
        said = self.query_one("#wrong", Static)
        said.update(Content.styled(f"✗ {wrong}" if wrong else "", "$text-error"))
        said.display = bool(wrong)

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        self._take(self._folder / self._names[event.option_index])

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if text := event.value.strip():
            self._take(self._folder / Path(text).expanduser())

    def _take(self, path: Path) -> None:
        path = Path(os.path.normpath(path))
        if path.is_dir():
            self._open(path)
        elif not path.is_file():
            self._tell(_("There is no file {path}.", path=path))
        elif wrong := self._refused(path):
            self._tell(wrong)
        else:
            self.dismiss(path)
