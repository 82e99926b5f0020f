"""Prints what a platform costs."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from amlwizard.console.output import columns, indented
from amlwizard.costs import UNCOUNTED, Costs


def show_costs(costs: Costs, console: Console) -> None:
    """Print the sum, its parts, and what is not in it."""
    console.print(f"\n{costs.summary}", style="bold", markup=False)
    table = columns(None, None)
    for name, amount in costs.lines() if costs.prices else ():
        table.add_row(Text(f"  {name}"), Text(amount))
    console.print(table)
    console.print(indented(UNCOUNTED, 2, "dim"))
