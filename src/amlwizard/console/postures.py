"""Prints a posture."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from amlwizard.console.output import Marks, columns, indented, mark
from amlwizard.language import _
from amlwizard.posture import SOURCE_WORDS, Posture, PromiseLine

MARKS: Marks = {
    "ok": ("✓", "+", "green"),
    "broken": ("✗", "x", "bold red"),
    "unknown": ("?", "?", "yellow"),
}


def show_posture(posture: Posture, console: Console, verbose: bool = False) -> None:
    """One row per promise, by area; below them, the evidence and the fix for each that is not kept.
    `verbose`: also the ids of those that are kept."""
    for area in dict.fromkeys(line.area for line in posture.lines):
        lines = [line for line in posture.lines if line.area == area]
        kept = sum(line.outcome == "ok" for line in lines)
        count = _("{kept} of {all} kept", kept=kept, all=len(lines))
        console.print(Text.assemble((area, "bold"), (f"  {count}", "dim")))
        table = columns(1, None, None)
        table.expand = console.is_terminal
        for line in lines:
            title = Text(f"{line.title} ({line.id})" if verbose else line.title)
            table.add_row(mark(console, MARKS, line.outcome), title, Text(line.seen, style="dim"))
        console.print(table)
    for line in posture.of("broken") + posture.of("unknown"):
        _show_evidence(line, console)
    style = "green" if posture.kept else "bold red" if posture.of("broken") else "yellow"
    console.print(Text(f"\n{posture.summary}", style=style))


def _show_evidence(line: PromiseLine, console: Console) -> None:
    console.print()
    head = Text(f" {line.id}  {line.title}")
    console.print(mark(console, MARKS, line.outcome).append(head))
    for piece in line.evidence:
        if piece.outcome != "ok":
            found = _("expected {expected}, seen {seen}", expected=piece.expected, seen=piece.seen)
            source = SOURCE_WORDS[piece.source]
            console.print(indented(f"{source}: {piece.what}: {found}", 4))
    if line.fix:
        console.print(indented(line.fix, 4, "dim"))
