"""Where text goes: to a terminal, on which lines are wrapped at words, or to a file or pipe, where a
sentence stays on one line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from amlwizard.events import Emit
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.line_breaks import let_lines_end_between_letters
from amlwizard.time_format import span

LONGEST_LINE = 100_000
Marks = Mapping[str, tuple[str, str, str]]
"""By state: the mark, the same in ASCII, and the style of both."""

STATES: Marks = {
    "waiting": ("·", ".", "dim"),
    "running": ("▸", ">", "bold cyan"),
    "done": ("✓", "+", "green"),
    "kept": ("=", "=", "dim green"),
    "failed": ("✗", "x", "bold red"),
    "blocked": ("⊘", "-", "yellow"),
    "cancelled": ("⊘", "-", "yellow"),
}


def output(stream: TextIO, plain: bool = False) -> Console:
    """A console that wraps at the terminal's width, or at COLUMNS. `plain`: without colours and
    other control sequences, for screen readers."""
    let_lines_end_between_letters()
    wraps = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream,
        highlight=False,
        emoji=False,
        width=None if wraps else LONGEST_LINE,
        force_terminal=False if plain else None,
    )


def mark(console: Console, marks: Marks, state: str) -> Text:
    """The mark of a state, in what the console's encoding has."""
    drawn, in_ascii, style = marks[state]
    return Text(in_ascii if console.options.ascii_only else drawn, style=style)


def indented(text: str, by: int, style: str = "") -> Padding:
    """Wrapped text, of which every line is indented."""
    return Padding.indent(Text(text, style=style), by)


def padded(text: str, width: int) -> str:
    """Text with spaces after it, up to a width in cells: some letters take two."""
    return text + " " * (width - cell_len(text))


def about_left(seconds: float) -> str:
    """How long a run may still take."""
    return _("about {time} left", time=span(seconds))


def row(console: Console, name: str, value: str, width: int) -> None:
    """Print a name and its value. A path or address is not wrapped, so that it can be copied."""
    if " " not in value:
        line = Text.assemble((padded(name, width), "bold"), " ", value)
        console.print(line, soft_wrap=True)
        return
    table = columns(width, None)
    table.add_row(Text(name, style="bold"), Text(value))
    console.print(table)


def columns(*widths: int | None) -> Table:
    """A table without borders; None is as wide as its text, and wraps."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.pad_edge = False
    for width in widths:
        table.add_column(width=width)
    return table


def print_json(value: Document, out: TextIO, indent: int | None = None) -> None:
    """Write a value as JSON, on one line unless there is an `indent`. What the stream cannot encode
    is escaped as JSON does."""
    utf = (out.encoding or "utf-8").lower().startswith("utf")
    out.write(json.dumps(value, indent=indent, ensure_ascii=not utf) + "\n")
    out.flush()


def json_lines(out: TextIO) -> Emit:
    """An `Emit` that writes every event as one line of JSON."""
    return lambda event: print_json(event.to_json(), out)
