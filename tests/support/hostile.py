"""Text that a terminal, a screen or a browser would obey, in every field of what is shown."""

from __future__ import annotations

import re
from typing import Any

from amlwizard.events import Event, from_json
from amlwizard.journal import read
from support.tui_support import GOLDEN

ESCAPES = "\x1b]0;owned\x07\x1b[6n\x9b5n\x7f\x00\u2028\u202e\u2066"
MARKUP = "[b]m[/b][@click=app.quit]q[/][/x]"
SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"{MARKUP}{ESCAPES}{SCRIPT}"
OURS = {"kind", "step", "id", "phase", "after", "outcome", "action", "because", "at", "source"}
"""Keys whose values are amlwizard's own, and lead it."""
DRAWN = re.compile(r"\r?\x1b\[(?!6n)[0-9;?]*[A-Za-z]")
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def infected(value: Any, of: str = "") -> Any:
    """A JSON value, hostile text before every text in it that is not amlwizard's own."""
    if isinstance(value, dict):
        return {key: infected(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [infected(item, of) for item in value]
    return HOSTILE + value if isinstance(value, str) and of not in OURS else value


def obeyed(written: str) -> list[str]:
    """What is in `written` that is neither text nor amlwizard's own drawing."""
    return OBEYED.findall(DRAWN.sub("", written).replace("\r\n", "\n"))


def journal() -> list[Event]:
    """The recorded run, with hostile text in all of its events."""
    return [from_json(infected(event.to_json())) for event in read(GOLDEN)]
