"""The keys that do something here, on one line; a click does the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

GAP = "  "


class Keys(Widget):
    """Drawn as one widget: bindings change with every focus, and widgets for each would be slow."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[Any]) -> None:
        self.refresh()

    def render(self) -> Content:
        return Content(GAP).join(_fitted(list(self._shown()), self.size.width))

    def _shown(self) -> Iterator[tuple[str, str, str]]:
        for key, active in self.screen.active_bindings.items():
            if active.binding.show and active.enabled:
                yield key, self.app.get_key_display(active.binding), active.binding.description


def _fitted(keys: Iterable[tuple[str, str, str]], width: int) -> Iterator[Content]:
    """As many as there is room for."""
    used = 0
    for key, shown, text in keys:
        used += len(shown) + 1 + len(text)
        if used > width:
            return
        used += len(GAP)
        content = Content.assemble((shown, "bold $accent"), f" {text}")
        yield content.stylize(f"@click=app.simulate_key('{key}')")
