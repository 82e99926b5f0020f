"""The posture as a table on a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from amlwizard.posture import Posture

MARKS = {"ok": ("✓", "green"), "broken": ("✗", "bold red"), "unknown": ("?", "yellow")}


def show_posture(posture: Posture, out: TextIO) -> None:
    """One row per promise; below them, the evidence and the fix for each that is not kept."""
    console = Console(file=out, highlight=False)
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(width=1)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=3)
    table.add_column(ratio=3)
    area = ""
    for line in posture.lines:
        if line.area != area:
            area = line.area
            table.add_row("", "", f"[bold]{escape(area)}[/]", "")
        mark, style = MARKS[line.outcome]
        table.add_row(f"[{style}]{mark}[/]", escape(line.id), escape(line.title), escape(line.seen))
    console.print(table)
    for line in posture.of("broken") + posture.of("unknown"):
        mark, style = MARKS[line.outcome]
        console.print(f"\n[{style}]{mark} {escape(line.id)}[/]  {escape(line.title)}")
        for piece in line.evidence:
            if piece.outcome != "ok":
                console.print(
                    f"    {piece.source}: {escape(piece.what)}: expected {escape(piece.expected)}, "
                    f"seen {escape(piece.seen)}"
                )
        if line.fix:
            console.print(f"    [dim]{escape(line.fix)}[/]")
    style = "green" if posture.kept else "bold red" if posture.of("broken") else "yellow"
    console.print(f"\n[{style}]{escape(posture.summary)}[/]")
