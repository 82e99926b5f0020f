"""The keys that work here, on one line. Clicking one presses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

GAP = "  "


class KeyFooter(Widget):
    """Drawn as one widget: bindings change with every focus, and a widget for each would be
    slow."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        key = event.style.meta.get("key")
        if key:
            self.app.simulate_key(key)

    def render(self) -> Content:
        return Content(GAP).join(_fitted(list(self._shown()), self.size.width))

    def _shown(self) -> Iterator[tuple[str, str, str]]:
        said: set[str] = set()
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in said:
                said.add(binding.action)
                yield key, self.app.get_key_display(binding), binding.description


def _fitted(keys: Iterable[tuple[str, str, str]], width: int) -> Iterator[Content]:
    """As many keys as fit."""
    used = 0
    for key, shown, text in keys:
        used += len(shown) + 1 + len(text)
        if used > width:
            return
        used += len(GAP)
        content = Content.assemble((shown, "bold $accent"), f" {text}")
        yield content.stylize(Style.from_meta({"key": key}))
