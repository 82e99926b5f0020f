"""A choice between a few options, all visible: ``● private-endpoint  ○ service-endpoint``. Also
yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from amlwizard.language import _

GAP = 2


class Choices(Widget, can_focus=True):
    """Left and right choose, as does a click. `value` is one of the choices, another text (from a
    recipe file), or "", which is shown as `none` if that is given."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", _("Choose"), show=False),
        Binding("right,space", "move(1)", _("Choose"), show=False),
    ]

    value: reactive[str] = reactive("", layout=True)

    class Changed(Message):
        def __init__(self, choices: Choices, value: str) -> None:
            super().__init__()
            self.choices, self.value = choices, value

        @property
        def control(self) -> Choices:
            return self.choices

    def __init__(
        self, choices: Sequence[str], value: str = "", *, none: str = "", id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.choices = ("", *choices) if none else tuple(choices)
        self.none = none
        self.set_reactive(Choices.value, value)

    # -- drawing: packed into lines here, so that no line breaks within a choice

    def _lines(self, width: int) -> list[list[str]]:
        shown = self.choices if self.value in self.choices else (*self.choices, self.value)
        lines: list[list[str]] = [[]]
        used = 0
        for choice in shown:
            if not choice and not self.none:
                continue
            long = 2 + cell_len(choice or self.none)
            if lines[-1] and used + GAP + long > width:
                lines.append([])
                used = 0
            used += (GAP if lines[-1] else 0) + long
            lines[-1].append(choice)
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(
            Content(" " * GAP).join(self._one(choice) for choice in line)
            for line in self._lines(self.size.width)
        )

    def _one(self, choice: str) -> Content:
        chosen = choice == self.value
        content = Content(f"{'●' if chosen else '○'} {choice or self.none}")
        content = content.stylize(Style.from_meta({"choice": choice}))
        if chosen:
            return content.stylize("bold $accent" if self.has_focus else "bold $primary")
        return content.stylize("$foreground" if self.has_focus else "$text-muted")

    # -- choosing

    def on_click(self, event: events.Click) -> None:
        choice = event.style.meta.get("choice")
        if choice is not None:
            self._choose(choice)

    def action_move(self, by: int) -> None:
        at = self.choices.index(self.value) if self.value in self.choices else -1
        self._choose(self.choices[(at + by) % len(self.choices)])

    def _choose(self, choice: str) -> None:
        if choice != self.value:
            self.value = choice
            self.post_message(self.Changed(self, choice))
