"""Prints runs, plans and findings to a terminal or a log: the plain front end."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from amlwizard import answers
from amlwizard.command_line import command_line
from amlwizard.errors import AmlwizardError, Finding, InvalidInputError
from amlwizard.events import (
    Emit,
    Event,
    LoginDone,
    LoginNeeded,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
)
from amlwizard.lineage import lineage
from amlwizard.next_steps import NextStep
from amlwizard.plain_text import plain
from amlwizard.plan import GONE, Plan
from amlwizard.plan.outputs import SCORE, TRAIN, VERIFY, RemovalOutput, StepRef
from amlwizard.view import RunView, StepView

MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▸", "bold cyan"),
    "done": ("✓", "green"),
    "kept": ("=", "dim green"),
    "failed": ("✗", "bold red"),
    "blocked": ("⊘", "yellow"),
    "cancelled": ("⊘", "yellow"),
}


def let_go(out: TextIO) -> None:
    """Redirect a closed pipe to the null device: Python flushes it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)


def json_lines(out: TextIO) -> Emit:
    """An `Emit` that writes every event as one line of JSON."""

    def emit(event: Event) -> None:
        out.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
        out.flush()

    return emit


def login_prompt(err: TextIO) -> Emit:
    """An `Emit` that shows device codes and sign-in URLs to the user: on standard error, in every
    mode."""

    def emit(event: Event) -> None:
        if isinstance(event, LoginNeeded):
            left = max(0, round((event.expires_at - event.at) / 60))
            do = (
                f"open {event.url} and enter {event.user_code}"
                if event.user_code
                else f"go on in the browser; if no window came, open {event.url} on this machine"
            )
            err.write(f"\nSIGN-IN NEEDED: {do} (within {left} minutes)\n\n")
            err.flush()

    return emit


class Lines:
    """One plain line per event, each with the seconds since the start of the run, and with `name`
    if several runs are shown."""

    def __init__(self, out: TextIO, name: str = "") -> None:
        self.out, self.view, self.name = out, RunView(), name

    def __call__(self, event: Event) -> None:
        self.view = self.view.apply(event)
        text = self._text(event)
        if text:
            line = text.replace("\n", " / ")
            name = f"{self.name}  " if self.name else ""
            self.out.write(f"{event.at - self.view.started:7.1f}  {name}{line}\n")
            self.out.flush()

    def _text(self, event: Event) -> str:
        match event:
            case RunStarted():
                return (
                    f"run {event.run}: {event.recipe} on {event.target}, {len(event.steps)} steps"
                )
            case LoginNeeded():
                where = event.url.partition("?")[0]
                return f"{event.step}: waiting for the sign-in at {where}"
            case LoginDone():
                return f"{event.step}: signed in as {event.account}"
            case StepStarted():
                return f"{event.step}: {event.action}"
            case StepProgress():
                return f"{event.step}: {event.message}"
            case StepFinished():
                return _final(event, self.view.steps[event.step])
            case RunFinished():
                counts = ", ".join(f"{n} {outcome}" for outcome, n in event.counts.items())
                return f"run finished: {counts}"
        return ""


def _final(event: StepFinished, step: StepView) -> str:
    text = f"{event.step}: {event.outcome}"
    if event.outcome == "done":
        return f"{text} in {step.seconds:.1f} s"
    if event.because:
        return f"{text} because of {event.because}"
    parts = [part for part in (event.what, event.why, event.fix) if part]
    return " | ".join([text, *parts])


class LiveTable:
    """The live table of a run, on a terminal."""

    def __init__(self, console: Console) -> None:
        self.view = RunView()
        self.console = console
        self.live = Live(console=console, refresh_per_second=8, get_renderable=self._draw)

    def __call__(self, event: Event) -> None:
        before = self.view
        self.view = before.apply(event)
        if isinstance(event, RunStarted):
            self.live.start()
        elif isinstance(event, RunFinished):
            self.live.stop()

    def _draw(self) -> Group:
        view = self.view
        counts = view.counts()
        head = Text(f"{view.recipe} on {view.target}   ", style="bold")
        for state, (mark, style) in MARKS.items():
            if counts.get(state):
                head.append(f"{mark} {counts[state]} {state}   ", style=style)
        if view.exit_code is None:
            head.append(f"{max(0.0, time.time() - view.started):.0f} s", style="dim")
        room = max(4, self.console.height - 6)
        rows = _telling(list(view.steps.values()), room, view.exit_code is not None)
        table = Table(box=None, show_header=False, padding=(0, 1), expand=True)
        table.add_column(width=1)
        table.add_column(ratio=2, no_wrap=True)
        table.add_column(justify="right", width=8)
        table.add_column(ratio=3, no_wrap=True)
        for step in rows:
            mark, style = MARKS[step.state]
            spent = step.seconds or (time.time() - step.started if step.state == "running" else 0.0)
            table.add_row(
                Text(mark, style=style),
                Text(step.info.title, style=style),
                f"{spent:.1f} s" if spent else "",
                Text(_note(step), style="dim"),
            )
        return Group(head, table)


def _telling(steps: list[StepView], room: int, over: bool) -> list[StepView]:
    """The most useful rows: failures, running steps, those that just ended; all of them if they
    fit."""
    if len(steps) <= room:
        return steps
    order = {
        "failed": 0,
        "running": 1,
        "blocked": 2,
        "cancelled": 2,
        "done": 3,
        "kept": 4,
        "waiting": 5,
    }
    chosen = sorted(steps, key=lambda s: (order[s.state], -s.finished))[:room]
    return [step for step in steps if step in chosen]


def _note(step: StepView) -> str:
    if step.end and step.end.outcome == "failed":
        return step.end.what
    if step.end and step.end.because:
        return f"because of {step.end.because}"
    return step.message if step.state == "running" else ""


def report(
    view: RunView, places: dict[str, str], out: TextIO, steps: Iterable[NextStep] = ()
) -> None:
    """Print the end of a run: what failed, what was slowest, where everything is, and what to do
    next."""
    console = Console(file=out, highlight=False, soft_wrap=True)
    failures(view, console)
    kept = sum(1 for s in view.steps.values() if s.state == "kept")
    if kept and view.exit_code == 0:
        trained = view.steps.get(TRAIN.id)
        nothing = " Nothing was trained anew." if trained and trained.state == "kept" else ""
        console.print(f"\n{kept} of {len(view.steps)} steps were kept as they are.{nothing}")
    rows = dict(places)
    rows |= lineage(view)
    if scored := view.output(SCORE):
        if scored.dns_record:
            rows["DNS record"] = scored.dns_record
        rows["Predictions"] = answers.on_a_line(scored.predictions)
    if verified := view.output(VERIFY):
        unseen = len(verified.without_evidence)
        verifying = command_line("verify", view.recipe, "--target", view.target)
        rows["Promises"] = f"{verified.kept} of {verified.promises} kept" + (
            f", {unseen} not judged: `{verifying}` looks closer" if unseen else ""
        )
    _closing(view, rows, console)
    show_next_steps(steps, out)


def show_next_steps(steps: Iterable[NextStep], out: TextIO) -> None:
    """Print commands so that each can be copied as a line."""
    for step in steps:
        out.write(f"\n{plain(step.what)}\n")
        out.writelines(f"  {plain(command)}\n" for command in step.commands)


def failures(view: RunView, console: Console) -> None:
    for step in view.steps.values():
        if step.state == "failed" and step.end:
            what = escape(step.end.what)
            console.print(f"\n[bold red]{escape(step.info.title)} failed.[/] {what}")
            findings = step.end.outputs.get("findings")
            if findings:
                _show_findings([Finding.from_json(f) for f in findings], console)
                continue
            for part in (step.end.why, step.end.fix):
                if part:
                    console.print(f"  {escape(part)}")


def _closing(view: RunView, rows: dict[str, str], console: Console) -> None:
    slowest = ", ".join(f"{s.info.title} {s.seconds:.1f} s" for s in view.slowest())
    if slowest:
        rows["Slowest"] = slowest
    console.print()
    for name, value in rows.items():
        console.print(f"[bold]{name:<12}[/] {escape(plain(value))}")


def report_teardown(view: RunView, places: dict[str, str], out: TextIO) -> None:
    """Print the end of a teardown: what failed, what was left, which names are not free yet."""
    console = Console(file=out, highlight=False, soft_wrap=True)
    failures(view, console)
    counts = view.counts()
    gone = counts.get("done", 0) - sum(
        s.state == "done" for s in view.steps.values() if s.info.phase == "sign-in"
    )
    console.print(f"\n{gone} removed, {counts.get('kept', 0)} not there or left alone.")
    for step in view.steps.values():
        note = step.end.what if step.end and step.state == "kept" else ""
        if note not in ("", GONE):
            console.print(f"  {escape(step.info.id)}: {escape(note)}")
    for step in view.steps.values():
        removed = view.output(StepRef(step.info.id, RemovalOutput))
        if removed and removed.lingers:
            console.print(
                f"  {escape(step.info.id)}: {escape(removed.lingers)} (destroy --purge frees it)"
            )
    _closing(view, dict(places), console)


def show_teardown(plan: Plan, out: TextIO) -> None:
    """Print what will be removed, in order, and what will be left."""
    console = Console(file=out, highlight=False, soft_wrap=True)
    steps = [step for step in plan.steps if step.phase == "remove"]
    width = max(len(step.id) for step in steps)
    for step in steps:
        if step.note == GONE:
            continue
        style = "dim" if step.action == "keep" else "none"
        title = escape(step.title.removeprefix("Remove: "))
        note = f"  [dim]{escape(step.note)}[/]" if step.note else ""
        console.print(f"[{style}]{step.action:<7} {step.id:<{width}}  {title}[/]{note}")
    going = sum(step.action != "keep" for step in steps)
    absent = sum(step.note == GONE for step in steps)
    console.print(f"\n{going} to remove, {absent} not there (as {plan.target} stands)")


def show_plan(plan: Plan, out: TextIO, commands: bool = True) -> None:
    """Print a plan; with `commands`, also the equivalent Azure CLI commands."""
    console = Console(file=out, highlight=False, soft_wrap=True)
    width = max(len(step.id) for step in plan.steps)
    for step in plan.steps:
        style = {"keep": "dim", "update": "yellow", "wait": "cyan"}.get(step.action, "none")
        after = f"  after {', '.join(step.after)}" if step.after else ""
        console.print(
            f"[{style}]{step.action:<7} {step.id:<{width}}  {escape(step.title)}[/][dim]{after}[/]"
        )
        for difference in step.differences:
            console.print(f"[dim]{'':<8}{escape(difference)}[/]")
        if step.note:
            console.print(f"[bold red]{'':<8}{escape(step.note)}[/]")
    counts: dict[str, int] = {}
    for step in plan.steps:
        counts[step.action] = counts.get(step.action, 0) + 1
    read = f"as {plan.target} stands" if plan.target else "no cloud was read"
    console.print(f"\n{', '.join(f'{n} {a}' for a, n in counts.items())} ({read})")
    if not commands:
        return
    console.print("\nThe same with the Azure CLI:", style="bold")
    for step in plan.steps:
        for command in step.az:
            console.print(f"  {command}", soft_wrap=True, markup=False)


def show_findings(findings: Sequence[Finding], out: TextIO) -> None:
    _show_findings(findings, Console(file=out, highlight=False, soft_wrap=True))


def _show_findings(findings: Sequence[Finding], console: Console) -> None:
    for finding in findings:
        style = "bold red" if finding.severity == "error" else "bold yellow"
        where = ", ".join(finding.fields) or "the file"
        line = f" (line {finding.line})" if finding.line else ""
        console.print(
            f"[{style}]{finding.severity}[/] {escape(finding.rule)}  {escape(where)}{line}"
        )
        for part in (finding.what, finding.why, finding.fix):
            if part:
                console.print(f"    {escape(part)}")
        if finding.command:
            console.print(f"    [bold]$ {escape(finding.command)}[/]")


def show_error(error: AmlwizardError, out: TextIO | None = None) -> None:
    console = Console(file=out or sys.stderr, highlight=False, soft_wrap=True)
    console.print(f"[bold red]{escape(error.what)}[/]")
    for part in (error.why, error.fix):
        if part:
            console.print(f"  {escape(part)}")
    if isinstance(error, InvalidInputError):
        show_findings(error.findings, out or sys.stderr)
