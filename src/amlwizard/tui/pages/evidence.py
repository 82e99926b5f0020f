"""A posture in words: its verdict, its checks, and the evidence for one of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import set_cell_size
from textual.content import Content

from amlwizard.language import _
from amlwizard.payloads import PostureJudged
from amlwizard.plan.outputs import VERIFY
from amlwizard.posture import Evidence, Posture, PromiseLine
from amlwizard.tui.widgets.hanging import hanging
from amlwizard.tui.widgets.step_tree import PHASE, StepLine
from amlwizard.view import RunView

MARKS = {"ok": ("✓", "done"), "broken": ("✗", "failed"), "unknown": ("?", "warning")}
HEADS = {
    "ok": _("{title}  kept"),
    "broken": _("{title}  not kept"),
    "unknown": _("{title}  not judged"),
}
STYLES = {"ok": "bold $text-success", "broken": "bold $text-error", "unknown": "bold $text-warning"}
PENDING = ("·", "quiet")
SIDES = {
    "outside": _("Outside the VNET"),
    "inside": _("Inside the VNET"),
    "ARM": _("In Azure Resource Manager"),
}
SHORT = {"outside": _("Outside"), "inside": _("Inside"), "ARM": "Azure"}
SEEN_FROM = {"outside": _("outside"), "inside": _("inside")}
NAME, TELLING = 10, 4


def of_run(view: RunView) -> Posture | None:
    """The posture that a run reported; None if it has not got that far."""
    step = view.steps.get(VERIFY.id)
    said = (e.payload(PostureJudged) for e in reversed(step.log)) if step else ()
    try:
        return next((Posture.from_json(judged.posture) for judged in said if judged), None)
    except (KeyError, TypeError):  # a journal written by another version
        return None


def worst(posture: Posture) -> str:
    """The overall outcome: broken before unknown before ok."""
    outcomes = {line.outcome for line in posture.lines}
    return next((outcome for outcome in ("broken", "unknown") if outcome in outcomes), "ok")


def summary(posture: Posture, now: float) -> str:
    """``24 of 26 promises kept, 2 not kept, outside and inside, 22:41``: with the sides it was
    seen from and the local time, including the day if it differs from that of `now`."""
    pieces = [p for line in posture.lines for p in line.evidence if p.outcome != "unknown"]
    seen_from = _seen_from(pieces)
    both = _("outside and inside") if len(seen_from) == len(SEEN_FROM) else ""
    sides = both or "".join(seen_from) or _("seen from neither side")
    at, today = time.localtime(posture.at), time.localtime(now)
    when = time.strftime("%H:%M" if at[:3] == today[:3] else _("%d %b %H:%M"), at)
    return _("{summary}, {sides}, {time}", summary=posture.summary, sides=sides, time=when)


def drawn(lines: Sequence[PromiseLine], pending: bool) -> Iterator[tuple[str, StepLine]]:
    """The lines of the tree: areas, each with its number of passed checks, and the checks."""
    for area, within in groupby(lines, key=lambda line: line.area):
        those = list(within)
        kept = sum(line.outcome == "ok" for line in those)
        yield (
            PHASE + area,
            StepLine("", area, "phase", right="" if pending else f"{kept}/{len(those)}"),
        )
    for line in lines:
        mark, tone = PENDING if pending else MARKS[line.outcome]
        note = "" if pending or line.outcome == "ok" else line.seen
        sides = _(", ").join(_seen_from(line.evidence))
        yield line.id, StepLine(mark, line.title, tone, note, sides)


def _seen_from(pieces: Sequence[Evidence]) -> list[str]:
    """The sides of the VNET that there is evidence from."""
    return [word for side, word in SEEN_FROM.items() if any(p.source == side for p in pieces)]


def described(line: PromiseLine, pending: bool, width: int) -> Iterator[Content]:
    """One check: the evidence against it, what to do, which resource it is about and by which
    document; then the remaining evidence by side."""
    mark, style = (
        (PENDING[0], "bold") if pending else (MARKS[line.outcome][0], STYLES[line.outcome])
    )
    head = _("{title}  not judged yet") if pending else HEADS[line.outcome]
    yield Content.styled(f"{mark} {head.format(title=line.title)}", style)
    against = [piece for piece in line.evidence if piece.outcome != "ok"][:TELLING]
    rows = [(_("Promised"), line.expected, "")]
    rows += [(SHORT[piece.source], _said(piece), STYLES[piece.outcome]) for piece in against]
    rows += [
        (_("To do"), line.fix, "$secondary"),
        (_("Where"), line.where, ""),
        (_("Source"), line.source, ""),
        (_("Line"), line.id, ""),
    ]
    for name, text, tone in rows:
        if text:
            yield Content.assemble(
                (set_cell_size(name, NAME), "$text-muted"), (hanging(text, NAME, width), tone)
            )
    for side, title in SIDES.items():
        pieces = [p for p in line.evidence if p.source == side and p not in against]
        if pieces:
            yield Content.styled(title, "bold $primary")
            for piece in pieces:
                sign, style = MARKS[piece.outcome][0], STYLES[piece.outcome]
                yield Content.assemble((f"{sign} ", style), hanging(_said(piece), 2, width))


def _said(piece: Evidence) -> str:
    """What was looked at, what was seen, and, if it differs, what was promised."""
    if piece.outcome == "broken":
        return _(
            "{what}: {seen}, not {expected}",
            what=piece.what,
            seen=piece.seen,
            expected=piece.expected,
        )
    return _("{what}: {seen}", what=piece.what, seen=piece.seen)
