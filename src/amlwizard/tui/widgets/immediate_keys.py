"""Editors handle their own keys in the order in which they are typed."""

from __future__ import annotations

from textual.events import Key
from textual.widget import Widget


async def run_binding_at_once(editor: Widget, event: Key) -> None:
    """To be called from an editor's `_on_key`: run its own binding of the key, if it has one. Textual
    does so once the key has bubbled up to the app, and letters typed right after a backspace would
    come first."""
    for binding in editor._bindings.key_to_bindings.get(event.key, ()):
        allowed = editor.check_action(binding.action, ()) is not False
        if allowed and await editor.app.run_action(binding.action, editor):
            event.stop()
            event.prevent_default()
            return
