"""What all dialogs share: they explain themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

from amlwizard.language import _

ResultType = TypeVar("ResultType")


class Dialog(ModalScreen[ResultType]):
    """A subclass says in `explained` what it asks, and what each of its choices does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "app.explain", _("Help"), key_display="?"),
    ]

    def explained(self) -> tuple[str, Content]:
        """The title and the text of its help."""
        raise NotImplementedError


def described(text: str, choices: Iterable[tuple[str, str]]) -> Content:
    """A text, then each choice with what it does: keys or labels, and a sentence."""
    lines = [Content(text), Content()] if text else []
    for choice, does in choices:
        lines.append(Content.assemble((choice, "bold $accent"), f"\n  {does}"))
    return Content("\n").join(lines)


def keys(*offered: tuple[str, str]) -> Content:
    """A line of keys and what they do: ``enter opens it``."""
    return Content("   ").join(
        Content.assemble((key, "bold $accent"), f" {does}") for key, does in offered
    )
