"""One of a few, all of them in sight: ``private-endpoint · service-endpoint``. Also yes and no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget


class Choices(Widget, can_focus=True):
    """Left and right choose, as does a click. `value` is one of the choices, or "" (or text that is
    none of them, from a file) where none is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Choose", show=False),
        Binding("right,space", "move(1)", "Choose", show=False),
    ]

    value: reactive[str] = reactive("", layout=True)

    class Changed(Message):
        def __init__(self, choices: Choices, value: str) -> None:
            super().__init__()
            self.choices, self.value = choices, value

        @property
        def control(self) -> Choices:
            return self.choices

    def __init__(self, choices: Sequence[str], value: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices = tuple(choices)
        self.set_reactive(Choices.value, value)

    def render(self) -> Content:
        shown = self.choices
        if self.value and self.value not in shown:
            shown = (*shown, self.value)
        return Content("  ").join(self._one(choice) for choice in shown)

    def _one(self, choice: str) -> Content:
        # Joined by no-break hyphens and spaces, so that a narrow line never splits a choice.
        text = choice.replace("-", "\u2011").replace(" ", "\u00a0")
        chosen = choice == self.value
        content = Content(f"●\u00a0{text}" if chosen else f"○\u00a0{text}")
        content = content.stylize(Style.from_meta({"choice": choice}))
        return content.stylize(self.visual_chosen if chosen else self.visual_other)

    @property
    def visual_chosen(self) -> str:
        return "bold $accent" if self.has_focus else "bold $primary"

    @property
    def visual_other(self) -> str:
        return "$foreground" if self.has_focus else "$text-muted"

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        choice = event.style.meta.get("choice")
        if choice:
            self._choose(choice)

    def action_move(self, by: int) -> None:
        at = self.choices.index(self.value) if self.value in self.choices else -1
        self._choose(self.choices[(at + by) % len(self.choices)])

    def _choose(self, choice: str) -> None:
        if choice != self.value:
            self.value = choice
            self.post_message(self.Changed(self, choice))
