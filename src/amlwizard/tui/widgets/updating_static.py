"""A text that changes often, redrawn only if it differs."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class UpdatingStatic(Static):
    """With `one_line` its height is fixed, so that a new text needs no layout."""

    def __init__(self, *, id: str | None = None, one_line: bool = False) -> None:
        super().__init__(id=id)
        self._one_line = one_line
        self._said = Content()

    def say(self, content: Content) -> None:
        if not content.is_same(self._said):
            self._said = content
            self.update(content, layout=not self._one_line)
