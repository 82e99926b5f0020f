"""Prints plans, of a run and of a teardown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from amlwizard.console.output import columns, indented
from amlwizard.language import _
from amlwizard.plan import GONE, PHASES, Action, Plan, PlannedStep
from amlwizard.step_titles import ACTION_WORDS, PHASE_TITLES

STYLES = {"keep": "dim", "update": "yellow", "wait": "cyan", "delete": "red"}
COUNTED: Mapping[Action, str] = {
    "create": _("{n} to create"),
    "update": _("{n} to update"),
    "delete": _("{n} to delete"),
    "wait": _("{n} to wait for"),
    "run": _("{n} to run"),
    "keep": _("{n} to keep"),
}
ACTION_WIDTH = max(8, 1 + max(map(cell_len, ACTION_WORDS.values())))


def show_plan(plan: Plan, console: Console, commands: bool = True, verbose: bool = False) -> None:
    """Print a plan by phase; with `commands`, also the equivalent Azure CLI commands; with
    `verbose`, also the id of every step and those it comes after."""
    for phase in PHASES:
        steps = [step for step in plan.steps if step.phase == phase]
        if steps:
            _heading(console, PHASE_TITLES[phase], steps)
            console.print(_table(steps, verbose))
    if plan.target:
        compared = _("compared with {target}", target=plan.target)
    else:
        compared = _("not compared with any cloud")
    console.print(f"\n{_counts(plan.steps)} ({compared})")
    if commands:
        console.print("\n" + _("The same with the Azure CLI:"), style="bold")
        for step in plan.steps:
            for command in step.az:
                console.print(f"  {command}", soft_wrap=True, markup=False)


def show_teardown(plan: Plan, console: Console, verbose: bool = False) -> None:
    """Print what will be removed, in order, and what will be left."""
    steps = [step for step in plan.steps if step.phase == "remove"]
    there = [step for step in steps if step.note != GONE]
    _heading(console, PHASE_TITLES["remove"], there)
    console.print(_table(there, verbose))
    going = sum(step.action != "keep" for step in steps)
    absent = len(steps) - len(there)
    told = _(
        "{going} to remove, {absent} not found (compared with {target})",
        going=going,
        absent=absent,
        target=plan.target,
    )
    console.print(f"\n{told}")


def _heading(console: Console, title: str, steps: Iterable[PlannedStep]) -> None:
    console.print(Text.assemble((title, "bold"), ("  " + _counts(steps), "dim")))


def _counts(steps: Iterable[PlannedStep]) -> str:
    counts = Counter(step.action for step in steps)
    return _(", ").join(
        COUNTED[action].format(n=counts[action]) for action in COUNTED if counts[action]
    )


def _table(steps: Iterable[PlannedStep], verbose: bool) -> Table:
    table = columns(ACTION_WIDTH, None)
    for step in steps:
        style = STYLES.get(step.action, "none")
        table.add_row(indented(ACTION_WORDS[step.action], 1, style), Text(step.title, style=style))
        for text, tone in _more(step, verbose):
            table.add_row("", Text(text, style=tone))
    return table


def _more(step: PlannedStep, verbose: bool) -> Iterator[tuple[str, str]]:
    """What is said below a step, with its style."""
    if verbose:
        yield _("id {id}", id=step.id), "dim"
    if verbose and step.after:
        yield _("after {steps}", steps=", ".join(step.after)), "dim"
    for difference in step.differences:
        yield difference, "dim"
    if step.note:
        yield step.note, "bold red" if step.kept else "dim"
