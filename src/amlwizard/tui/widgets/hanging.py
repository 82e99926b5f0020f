"""Text beside a name, with its further lines indented."""

from __future__ import annotations

from textual.content import Content

LEAST = 20


def hanging(text: str, indent: int, width: int) -> str:
    """Text in `width` cells whose first line begins at `indent`, as do those below it."""
    lines = Content(text).wrap(max(LEAST, width - indent))
    return ("\n" + " " * indent).join(line.plain.rstrip() for line in lines)
