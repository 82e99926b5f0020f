"""The capacity of each range and how much of it is needed, one line per range."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from amlwizard import fields
from amlwizard.language import _
from amlwizard.rules.address_space import Space, path
from amlwizard.rules.capacity import Capacity, Load, capacities
from amlwizard.tui.widgets.address_map import AddressMap
from amlwizard.tui.widgets.address_paint import CODES, COLOURS, LIT, QUIET

WIDE = 46
"""From this width on, there is a column for the usable addresses."""

SHORT = {
    "workspace": _("Workspace"), "compute": _("Compute"), "scoring": _("Scoring"),
    "bastion": _("Bastion"), "gateway": _("Gateway"),
}  # fmt: skip
"""What a subnet is called where all are subnets."""
TITLES = {spec.name: SHORT.get(spec.name, spec.title) for spec in fields.specs("addresses")}


class CapacityTable(Widget):
    """The capacities of a space under a load. Posts `AddressMap.Picked` and `AddressMap.Pointed`,
    as the map does."""

    BORDER_TITLE = _("Needed, of what fits")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[Capacity] = []
        self._lit = self._hovered = ""

    def show(self, space: Space, load: Load) -> None:
        rows = capacities(space, load)
        if rows != self._rows:
            self._rows = rows
            self.refresh(layout=True)

    def light(self, path: str) -> None:
        if path != self._lit:
            self._lit = path
            self.refresh()

    def render(self) -> Content:
        return Content("\n").join(table(self._rows, self._lit, self.size.width))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(str(event.style.meta.get("path", "")))

    def on_leave(self) -> None:
        self._hover("")

    def _hover(self, path: str) -> None:
        if path != self._hovered:
            self._hovered = path
            self.post_message(AddressMap.Pointed(self, path))

    def on_click(self, event: events.Click) -> None:
        picked = event.style.meta.get("path")
        if picked:
            self.post_message(AddressMap.Picked(str(picked)))


def table(rows: list[Capacity], lit: str, width: int) -> Iterator[Content]:
    """One line per row; `lit` is the recipe path of the highlighted field."""
    title = max((cell_len(TITLES[row.name]) for row in rows), default=0)
    for row in rows:
        here = path(row.name) == lit
        mark = LIT if here else " "
        code = Content.styled(CODES[row.name], f"$background on {COLOURS[row.name]}")
        usable = f"{row.usable:>7,}" if width >= WIDE else ""
        needed = need_of(row) if row.needed or not usable else ""
        text = f" {set_cell_size(TITLES[row.name], title)}{usable}  {needed}"
        style = "$text-error" if not row.enough else "bold" if here else QUIET
        line = Content.assemble(mark, code, (text, style))
        yield line.stylize(Style.from_meta({"path": path(row.name)}))


def need_of(row: Capacity) -> str:
    """``3 of 250 nodes``: what is needed, of the capacity."""
    if not row.needed:
        return _("{fits:,} addresses", fits=row.fits)
    shape = (
        _("{needed:,} of {fits:,} nodes") if row.unit == "nodes" else _("{needed:,} of {fits:,}")
    )
    return shape.format(needed=row.needed, fits=row.fits) + ("" if row.enough else "  ✗")
