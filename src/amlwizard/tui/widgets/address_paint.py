"""How ranges are painted on the map: each with a code and a fill character, so that kind, overlap
and highlight are never shown by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from amlwizard.language import _
from amlwizard.rules.address_space import Range, Space, path
from amlwizard.tui.widgets.address_bands import Band, Fold

CODES = {
    "vnet": "VN", "workspace": "WS", "compute": "CO", "scoring": "SC", "databricks_public": "PU",
    "databricks_private": "PV", "bastion": "BA", "gateway": "GW", "service_cidr": "SV",
    "pod_cidr": "PO", "vpn_clients": "CL", "reserved": "RE", "peered": "PE", "on_premises": "OP",
}  # fmt: skip
COLOURS = {
    "vnet": "$primary", "workspace": "$primary", "compute": "$secondary", "scoring": "$success",
    "databricks_public": "$warning", "databricks_private": "$warning-darken-2",
    "bastion": "$primary-darken-2", "gateway": "$primary-darken-2",
    "service_cidr": "$secondary-darken-1", "pod_cidr": "$success-darken-1",
    "vpn_clients": "$accent",
}  # fmt: skip
FREE, USED, SHARED, CONFLICTING, OTHERS, POINTED = "·", "─", "╳", "╱", "░", "━"
LIT = "▸"
QUIET, FAINT = "$foreground 60%", "$foreground 25%"

Pair = frozenset[str]


@dataclass(frozen=True)
class MapView:
    """What to show of a space: `lit` is the highlighted field, `pairs` are the overlapping ranges,
    `overlapping` all ranges in a pair. `within` is the VNET, if only what is in it is drawn."""

    space: Space
    lit: str = ""
    pairs: frozenset[Pair] = frozenset()
    overlapping: frozenset[str] = frozenset()
    within: tuple[Range, ...] = ()

    @classmethod
    def at(cls, space: Space, lit: str) -> MapView:
        pairs = frozenset(frozenset((a.path, b.path)) for a, b in space.overlaps())
        # The DNS address lies in the service range.
        lit = path("service_cidr") if lit == path("dns_service_ip") else lit
        return cls(space, lit, pairs, frozenset().union(*pairs))

    def points_at(self, ranges: Iterable[Range]) -> bool:
        return any(field_of(found) == self.lit for found in ranges)

    def shared(self, ranges: Sequence[Range]) -> bool:
        """Whether two of these ranges, or one of them and `within`, must not overlap."""
        there = (*self.within, *ranges)
        return any(
            frozenset((one.path, other.path)) in self.pairs
            for n, one in enumerate(there)
            for other in there[n + 1 :]
        )


def field_of(found: Range) -> str:
    """The recipe path of a range's field: ``addresses.peered`` for every peered range."""
    return ".".join(found.path.split(".")[:2])


def paint_band(band: Band, view: MapView) -> Content:
    """The cells of a band: its runs, and dots for free cells."""
    parts: list[Content] = []
    at = 0
    for run in band.runs:
        parts += [_dots(run.start - at), _paint(run.ranges, run.stop - run.start, view)]
        at = run.stop
    return Content("").join([*parts, _dots(band.columns - at)])


def _dots(cells: int) -> Content:
    return Content.styled(FREE * cells, FAINT)


def _paint(ranges: Sequence[Range], cells: int, view: MapView) -> Content:
    """The cells of these ranges: a code, and a fill that shows the kind without colour."""
    top = min(ranges, key=lambda found: found.network.num_addresses)
    paths = tuple(dict.fromkeys(field_of(found) for found in ranges))
    codes = [CODES[found.name] for found in ranges]
    lit = view.points_at(ranges)
    if view.shared(ranges):
        text, fill, style = SHARED.join(codes), SHARED, "bold $background on $error"
        text = text if len(text) <= cells else SHARED
    elif any(found.path in view.overlapping for found in ranges):
        conflicting = next(found for found in ranges if found.path in view.overlapping)
        text, fill, style = CODES[conflicting.name], CONFLICTING, "bold $error on $error-muted"
    elif top.name in COLOURS:
        text, fill, style = CODES[top.name], USED, f"$background on {COLOURS[top.name]}"
    else:
        text, fill, style = CODES[top.name], OTHERS, f"{QUIET} on $panel"
    if lit:
        shared = fill == SHARED
        fill = fill if shared else POINTED
        style = f"bold {'$error' if shared else '$background'} on $foreground"
    text = (text if cells >= len(text) else text[:1]).ljust(cells, fill)
    return Content.styled(text, style).stylize(Style.from_meta({"paths": paths}))


def paint_whole(band: Band, view: MapView) -> Content:
    """The VNET as a whole: used, shared and free cells."""
    cells = [Content.styled("▁", FAINT)] * band.columns
    for run in band.runs:
        lit = view.points_at(run.ranges)
        style = "$error" if view.shared(run.ranges) else "$foreground" if lit else "$primary"
        mark = SHARED if view.shared(run.ranges) else "█" if lit else "▆"
        paths = {"paths": tuple(field_of(found) for found in run.ranges)}
        for n in range(run.start, run.stop):
            cells[n] = Content.styled(mark, style).stylize(Style.from_meta(paths))
    return Content("").join(cells)


def paint_fold(fold: Fold, view: MapView, columns: int, told: bool) -> Content:
    """One line of a fold; `told` is whether it shows the number of free addresses."""
    if fold.ranges:
        return _paint(fold.ranges, columns, view)
    text = _(" {n:,} free ", n=fold.addresses) if told else ""
    before = (columns - cell_len(text)) // 2
    behind = columns - before - cell_len(text)
    return Content.assemble(_dots(before), (text, QUIET), _dots(behind))
