"""Editors handle their own keys in the order in which they are typed."""

from __future__ import annotations

from textual.events import Key
from textual.widget import Widget

OF_THE_PAGE = ("ctrl+z", "ctrl+y", "ctrl+r")
"""Keys of the page that change what is in the editor."""


async def run_binding_at_once(editor: Widget, event: Key) -> None:
    """To be called from an editor's `_on_key`: run its own binding of the key, if it has one, or the
    page's, if that changes its text. Textual does so once the key has bubbled up to the app, and
    letters typed right after a backspace would come first."""
    for owner in (editor, editor.screen) if event.key in OF_THE_PAGE else (editor,):
        for binding in owner._bindings.key_to_bindings.get(event.key, ()):
            allowed = owner.check_action(binding.action, ()) is not False
            if allowed and await editor.app.run_action(binding.action, owner):
                event.stop()
                event.prevent_default()
                return
