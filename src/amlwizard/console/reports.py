"""Prints findings, errors, and how runs and teardowns ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from amlwizard import answers
from amlwizard.command_line import command_line
from amlwizard.console.output import indented, output, row
from amlwizard.errors import AmlwizardError, Finding, InvalidInputError
from amlwizard.language import _, _n, sentences
from amlwizard.lineage import lineage
from amlwizard.next_steps import NextStep
from amlwizard.plain_text import plain
from amlwizard.plan import GONE
from amlwizard.plan.outputs import SCORE, TRAIN, VERIFY, RemovalOutput, StepRef, VerifyOutput
from amlwizard.time_format import span
from amlwizard.view import RunView

LABEL = 12  # cells, at least
SEVERITIES = {"error": (_("error"), "bold red"), "warning": (_("warning"), "bold yellow")}


def report(
    view: RunView, places: dict[str, str], console: Console, steps: Iterable[NextStep] = ()
) -> None:
    """Print the end of a run: what failed, what was slowest, where everything is, and what to do
    next."""
    failures(view, console)
    kept = sum(1 for s in view.steps.values() if s.state == "kept")
    if kept and view.exit_code == 0:
        trained = view.steps.get(TRAIN.id)
        told = _n(
            "{n} of {all} steps was kept as it is.",
            "{n} of {all} steps were kept as they are.",
            kept,
            all=len(view.steps),
        )
        if trained and trained.state == "kept":
            told = sentences(told, _("The model was not trained again."))
        console.print(f"\n{told}")
    rows = dict(places)
    rows |= lineage(view)
    if scored := view.output(SCORE):
        if scored.dns_record:
            rows[_("DNS record")] = scored.dns_record
        rows[_("Predictions")] = answers.on_a_line(scored.predictions)
    if verified := view.output(VERIFY):
        rows[_("Promises")] = _promises(verified, view)
    _closing(view, rows, console)
    show_next_steps(steps, console)


def _promises(verified: VerifyOutput, view: RunView) -> str:
    unseen = len(verified.without_evidence)
    if not unseen:
        return _("{kept} of {all} kept", kept=verified.kept, all=verified.promises)
    return _(
        "{kept} of {all} kept, {unseen} not judged: `{verify}` looks closer",
        kept=verified.kept,
        all=verified.promises,
        unseen=unseen,
        verify=command_line("verify", view.recipe, "--target", view.target),
    )


def show_next_steps(steps: Iterable[NextStep], console: Console) -> None:
    """Print commands so that each can be copied as a line."""
    for step in steps:
        console.print(f"\n{plain(step.what)}", markup=False)
        for command in step.commands:
            console.print(f"  {plain(command)}", markup=False, soft_wrap=True)


def failures(view: RunView, console: Console) -> None:
    for step in view.steps.values():
        if step.state == "failed" and step.end:
            failed, what = _("{step} failed.", step=view.title(step.info.id)), step.end.what
            console.print(f"\n[bold red]{escape(failed)}[/] {escape(what)}")
            findings = step.end.outputs.get("findings")
            if findings:
                show_findings([Finding.from_json(f) for f in findings], console)
                continue
            _print_parts((step.end.why, step.end.fix), 2, console)


def _closing(view: RunView, rows: dict[str, str], console: Console) -> None:
    slowest = _(", ").join(f"{s.info.title} {span(s.seconds)}" for s in view.slowest())
    if slowest:
        rows[_("Slowest")] = slowest
    console.print()
    width = max(LABEL, *map(cell_len, rows))
    for name, value in rows.items():
        row(console, name, plain(value), width)


def report_teardown(view: RunView, places: dict[str, str], console: Console) -> None:
    """Print the end of a teardown: what failed, what was left, which names are not free yet."""
    failures(view, console)
    counts = view.counts()
    gone = counts.get("done", 0) - sum(
        s.state == "done" for s in view.steps.values() if s.info.phase == "sign-in"
    )
    told = _(
        "{gone} removed, {kept} not found or left alone.", gone=gone, kept=counts.get("kept", 0)
    )
    console.print(f"\n{told}")
    for step in view.steps.values():
        title = step.info.title
        note = step.end.what if step.end and step.state == "kept" else ""
        if note not in ("", GONE):
            console.print(indented(f"{title}: {note}", 2))
        removed = view.output(StepRef(step.info.id, RemovalOutput))
        if removed and removed.lingers:
            purge = command_line("destroy", view.recipe, "--target", view.target, "--purge")
            told = _(
                "{title}: {reason}. To free it: {purge}",
                title=title,
                reason=removed.lingers,
                purge=purge,
            )
            console.print(indented(told, 2))
    _closing(view, dict(places), console)


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    for finding in findings:
        severity, style = SEVERITIES[finding.severity]
        where = ", ".join(finding.fields) or _("the file")
        line = " " + _("(line {line})", line=finding.line) if finding.line else ""
        console.print(f"[{style}]{severity}[/] {escape(finding.rule)}  {escape(where)}{line}")
        _print_parts((finding.what, finding.why, finding.fix), 4, console)
        if not finding.command:
            for path, value in finding.cure.items():
                text = Text(f"    {path}: {json.dumps(value, ensure_ascii=False)}", style="bold")
                console.print(text, soft_wrap=True)
        if finding.command:
            command = Text(f"    $ {finding.command}", style="bold")
            console.print(command, soft_wrap=True)


def show_error(error: AmlwizardError, console: Console | None = None) -> None:
    """Print an error, by default to standard error."""
    console = console or output(sys.stderr)
    console.print(f"[bold red]{escape(error.what)}[/]")
    _print_parts((error.why, error.fix), 2, console)
    if isinstance(error, InvalidInputError):
        show_findings(error.findings, console)


def _print_parts(parts: Sequence[str], indent: int, console: Console) -> None:
    for part in parts:
        if part:
            console.print(indented(part, indent))
