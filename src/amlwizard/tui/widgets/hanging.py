"""Text beside a name, with its further lines indented."""

from __future__ import annotations

from textwrap import wrap

LEAST = 20


def hanging(text: str, indent: int, width: int) -> str:
    """Text in `width` cells whose first line begins at `indent`, as do those below it."""
    lines = wrap(text, max(LEAST, width - indent), break_on_hyphens=False)
    return ("\n" + " " * indent).join(lines)
