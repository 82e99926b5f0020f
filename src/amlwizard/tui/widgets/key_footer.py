"""The keys that work here, on one line. Clicking one presses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

GAP = "  "
ALWAYS = ("leave", "explain", "app.explain")


@dataclass(frozen=True)
class FooterKey:
    """A key, as it is drawn, and what it does."""

    key: str
    display: str
    text: str
    always: bool

    @property
    def cells(self) -> int:
        return cell_len(f"{self.display} {self.text}")


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

    def _shown(self) -> Iterator[FooterKey]:
        said: set[str] = set()
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in said:
                said.add(binding.action)
                display = self.app.get_key_display(binding)
                yield FooterKey(key, display, binding.description, binding.action in ALWAYS)


def _fitted(keys: Sequence[FooterKey], width: int) -> Iterator[Content]:
    """As many keys as fit, in their order; those that are always shown have their room first."""
    left = width - sum(key.cells + len(GAP) for key in keys if key.always) + len(GAP)
    for key in keys:
        if not key.always:
            left -= key.cells + len(GAP)
        if key.always or left >= 0:
            content = Content.assemble((key.display, "bold $accent"), f" {key.text}")
            yield content.stylize(Style.from_meta({"key": key.key}))
