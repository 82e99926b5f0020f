"""The map of the VNET: the whole as a ruler, its used parts at their own scale, and everything
around it. Overlaps are marked in both ranges; the highlighted field of the form is marked too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from amlwizard.language import _, _n
from amlwizard.rules.address_space import Space, bounds, path
from amlwizard.tui.widgets.address_bands import (
    Band,
    Line,
    around,
    bands,
    ruler,
    span,
    thinned,
    unfolded,
)
from amlwizard.tui.widgets.address_paint import (
    CODES,
    LIT,
    QUIET,
    SHARED,
    MapView,
    paint_band,
    paint_fold,
    paint_whole,
)

LEAST_LABEL, MOST_LABEL, MOST_COLUMNS = 7, 16, 128
SCALES = (
    (True, 2, 2), (False, 2, 2), (False, 2, 0), (False, 1, 0), (False, 0.5, 0), (False, 0.25, 0),
    (False, 0, 0),
)  # fmt: skip
"""From the finest to the coarsest: whether the VNET is split into parts, and the minimum of cells,
to scale, of the ranges in it and of those around it. The first that fits is used."""
ROUGH = 0.25
"""At this scale the smallest gaps are left out first, if that makes room."""


def draw(view: MapView, width: int, height: int) -> list[Content]:
    """The map in `width` columns and `height` lines; lines that do not fit are cut off."""
    columns = 16
    while columns * 2 <= min(width - LEAST_LABEL, MOST_COLUMNS):
        columns *= 2
    label = min(width - columns, MOST_LABEL)
    notes = list(_notes(view, width))
    lines: list[Content] = []
    vnet = view.space.vnet
    inner, outer = _fitted(view.space, columns, height - len(notes) - (3 if vnet else 1))
    if vnet is not None:
        inside = [r for r in view.space.ranges() if r.kind != "vnet"]
        inner_view = replace(view, within=tuple(r for r in view.space.ranges() if r.kind == "vnet"))
        lines.append(_vnet_title(view.space, width))
        mark = LIT if view.lit == path("vnet") else " "
        lines.append(
            Content(mark.ljust(label)) + paint_whole(ruler(vnet, inside, columns), inner_view)
        )
        lines += _lines(inner, inner_view, label, columns, vnet.prefixlen // 8)
    lines.append(
        _title(_("Private addresses around it") if vnet else _("Private addresses"), "", width)
    )
    lines += _lines(outer, view, label, columns, 0)
    return [*lines[: max(0, height - len(notes))], *notes]


def _fitted(space: Space, columns: int, room: int) -> tuple[list[Line], list[Line]]:
    """The lines of the VNET and of what is around it, at the finest scale that fits in `room`."""
    if space.vnet is None:
        return [], around(space, columns, 0)
    inside = [r for r in space.ranges() if r.kind != "vnet"]
    inner: list[Line] = []
    outer: list[Line] = []
    for parts, fine, coarse in SCALES:
        inner = bands(space.vnet, inside, columns, fine, parts)
        outer = around(space, columns, coarse)
        if fine == ROUGH:
            inner = thinned(inner, room - len(outer))
        if len(inner) + len(outer) <= room:
            break
    return unfolded(inner, room - len(outer)), outer


def _title(text: str, right: str, width: int) -> Content:
    gap = max(1, width - cell_len(text) - cell_len(right))
    return Content.assemble((text, "bold $primary"), " " * gap, (right, QUIET))


def _vnet_title(space: Space, width: int) -> Content:
    vnet = space.vnet
    assert vnet is not None
    left = sum(gap.addresses for gap in space.gaps())
    title = _("VNET {network}", network=vnet)
    percent = f"{100 * left // vnet.num_addresses} %"
    share = _("{share} free", share=percent)
    whole = f"{vnet.num_addresses:,} · {share}"
    fits = cell_len(f"{title} {whole}") <= width
    return _title(title, whole if fits else share, width)


# -- lines


def _lines(
    lines: Sequence[Line], view: MapView, label: int, columns: int, known: int
) -> Iterator[Content]:
    """Lines with labels; the first `known` octets of the addresses are the same in all lines."""
    starts = [at for line in lines for at in _starts(line)]
    room = label - 1
    whole = max((len(str(at)) for at in starts), default=0) <= room
    texts = (str(at) if whole else _short(at, known, room) for at in starts)
    for line in lines:
        for number in range(1 if isinstance(line, Band) else line.lines):
            if isinstance(line, Band):
                lit, cells = _lit(view, line), paint_band(line, view)
            else:
                told = number == (line.lines - 1) // 2
                lit, cells = (
                    told and view.points_at(line.ranges),
                    paint_fold(line, view, columns, told),
                )
            mark = (LIT if lit else " ", "bold $foreground")
            yield Content.assemble(mark, (f"{next(texts):<{room}}", QUIET)) + cells


def _lit(view: MapView, band: Band) -> bool:
    return any(view.points_at(run.ranges) for run in band.runs)


def _starts(line: Line) -> list[IPv4Address]:
    """The first address of each screen line of a band or fold."""
    if isinstance(line, Band):
        return [line.block.network_address]
    if line.lines == 1:
        return [IPv4Address(line.first)]
    return [block.network_address for block in line.blocks]


def _short(address: IPv4Address, known: int, room: int) -> str:
    """An address as a label: without the `known` octets, and without trailing zeros."""
    octets = str(address).split(".")[known:]
    while len(octets) > 1 and octets[-1] == "0":
        octets.pop()
    text = ("." if known else "") + ".".join(octets)
    return text if len(text) <= room else f"…{octets[-1]}"


def _notes(view: MapView, width: int) -> Iterator[Content]:
    """For each overlap, the two ranges and the number of addresses that they share."""
    found = list(view.space.overlaps())
    for one, other in found[:2]:
        first = max(bounds(one.network)[0], bounds(other.network)[0])
        last = min(bounds(one.network)[1], bounds(other.network)[1])
        codes = f"{CODES[one.name]}{SHARED}{CODES[other.name]}"
        said = {"codes": codes, "n": last - first + 1}
        texts = (
            _("✗ {codes} share {n:,}: {span}", span=span(first, last), **said),
            _("✗ {codes} share {n:,} from {first}", first=IPv4Address(first), **said),
            _("✗ {codes} share {n:,}", **said),
        )
        fitting = (text for text in texts if cell_len(text) <= width)
        yield Content.styled(next(fitting, texts[-1]), "$text-error")
    if len(found) > 2:
        more = _n("✗ and {n} more overlap", "✗ and {n} more overlaps", len(found) - 2)
        yield Content.styled(more, "$text-error")


# -- the widget


@dataclass
class _Shown:
    space: Space = field(default_factory=Space)
    focused: str = ""
    hovered: str = ""


class AddressMap(Widget):
    """Draws a space; posts `Pointed` when the mouse moves onto a range or off all of them, and
    `Picked` when one is clicked. Both have the recipe path of the field, empty for none."""

    class Pointed(Message):
        def __init__(self, control: Widget, path: str) -> None:
            super().__init__()
            self._control, self.path = control, path

        @property
        def control(self) -> Widget:
            return self._control

    class Picked(Message):
        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = _Shown()

    def show(self, space: Space) -> None:
        if space != self._shown.space:
            self._shown.space = space
            self.refresh()

    def light(self, path: str) -> None:
        """Highlight the range of a field."""
        if path != self._shown.focused:
            self._shown.focused = path
            self.refresh()

    def render(self) -> Content:
        shown = self._shown
        view = MapView.at(shown.space, shown.hovered or shown.focused)
        return Content("\n").join(draw(view, self.size.width, self.size.height))

    def _over(self, meta: Mapping[str, object]) -> str:
        paths = meta.get("paths")
        return str(paths[-1]) if isinstance(paths, tuple) and paths else ""

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(self._over(event.style.meta))

    def on_leave(self) -> None:
        self._hover("")

    def _hover(self, path: str) -> None:
        if path != self._shown.hovered:
            self._shown.hovered = path
            self.post_message(self.Pointed(self, path))
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        path = self._over(event.style.meta)
        if path:
            self.post_message(self.Picked(path))
