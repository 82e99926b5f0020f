"""Splits address space into bands: lines of cells that all stand for the same number of addresses.

A block is one band if every range in it is visible; otherwise it is split into sixteen,
recursively, so that the scale follows use. Between bands are folds: runs of blocks in which nothing
changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from amlwizard.rules.address_space import IN_VNET, PRIVATE, Range, Space, bounds

CUT = 4  # bits: a block is split into sixteen
ROOT = 8  # the prefix length of the block drawn around a range that is not private


@dataclass(frozen=True, slots=True)
class BandRun:
    """Cells from `start` up to but not including `stop` that lie in the same ranges."""

    start: int
    stop: int
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A block as `columns` cells. Cells outside the runs are free."""

    block: IPv4Network
    columns: int
    runs: tuple[BandRun, ...]

    @property
    def first(self) -> int:
        return int(self.block.network_address)


@dataclass(frozen=True, slots=True)
class Fold:
    """Addresses from `first` to `last` that all lie in the same ranges, or in none. `blocks` are the
    largest of the blocks that it merges, each of which would take a line; it takes `lines`."""

    first: int
    last: int
    ranges: tuple[Range, ...]
    blocks: tuple[IPv4Network, ...]
    lines: int = 1

    @property
    def addresses(self) -> int:
        return self.last - self.first + 1


Line = Band | Fold


def bands(
    root: IPv4Network, ranges: Sequence[Range], columns: int, least: float, parts: bool = False
) -> list[Line]:
    """A block as lines of `columns` cells, a power of two. A range takes at least one cell; if
    `least` is not 0, at least that many to scale. Two ranges share a cell only if they overlap.
    With `parts`, the block is always split into sixteen."""
    lines: list[Line] = []
    cut = root.subnets(prefixlen_diff=min(CUT, 32 - root.prefixlen)) if parts else (root,)
    for line in (line for block in cut for line in _cut(block, ranges, columns, least)):
        last = lines[-1] if lines else None
        if isinstance(line, Fold) and isinstance(last, Fold) and last.ranges == line.ranges:
            blocks = (*last.blocks, *line.blocks)
            size = min(block.prefixlen for block in blocks)
            largest = tuple(block for block in blocks if block.prefixlen == size)
            lines[-1] = Fold(last.first, line.last, line.ranges, largest)
        else:
            lines.append(line)
    return lines


def ruler(root: IPv4Network, ranges: Sequence[Range], columns: int) -> Band:
    """A block as one line, even if ranges share a cell."""
    inside = [r for r in ranges if r.network.overlaps(root)]
    return Band(root, columns, tuple(_runs(_cells(root, inside, columns))))


def around(space: Space, columns: int, least: float) -> list[Line]:
    """Everything outside the VNET, and the VNET as one range in it: the private blocks in use, and
    the ranges outside them."""
    vnet = space.vnet
    ranges = [
        found
        for found in space.ranges()
        if found.kind not in IN_VNET or vnet is None or not found.network.subnet_of(vnet)
    ]
    roots = [outer for outer in PRIVATE if any(r.network.overlaps(outer) for r in ranges)]
    for found in ranges:
        if not any(found.network.overlaps(root) for root in roots):
            length = min(ROOT, found.network.prefixlen)
            roots.append(found.network.supernet(new_prefix=length))
    return [line for root in sorted(roots) for line in bands(root, ranges, columns, least)]


def unfolded(lines: Sequence[Line], height: int) -> list[Line]:
    """The lines with folds expanded as far as `height` allows, the largest first. Folds of small
    blocks stay folded, so that what is expanded is at the scale of the whole."""
    left = height - len(lines)
    opened = list(lines)
    blocks = [
        b for line in lines for b in (line.blocks if isinstance(line, Fold) else (line.block,))
    ]
    coarse = min((block.prefixlen for block in blocks), default=0)
    folds = [(n, line) for n, line in enumerate(lines) if isinstance(line, Fold)]
    for n, fold in sorted(folds, key=lambda at: -len(at[1].blocks)):
        if fold.blocks[0].prefixlen == coarse:
            more = len(fold.blocks) - 1
            if more <= left:
                opened[n] = replace(fold, lines=1 + more)
                left -= more
    return opened


def thinned(lines: Sequence[Line], height: int) -> list[Line]:
    """The lines without as many of the smallest gaps as do not fit in `height`."""
    gaps = [line for line in lines if isinstance(line, Fold) and not line.ranges]
    less = max(0, len(lines) - height)
    out = sorted(gaps, key=lambda gap: gap.addresses)[:less]
    return [line for line in lines if line not in out]


def _cut(block: IPv4Network, ranges: Sequence[Range], columns: int, least: float) -> Iterator[Line]:
    inside = [r for r in ranges if r.network.overlaps(block)]
    first, last = bounds(block)
    if all(block.subnet_of(r.network) for r in inside):
        yield Fold(first, last, tuple(inside), (block,))
        return
    if _told(block, inside, columns, least):
        yield Band(block, columns, tuple(_runs(_cells(block, inside, columns))))
        return
    for part in block.subnets(prefixlen_diff=min(CUT, 32 - block.prefixlen)):
        yield from _cut(part, inside, columns, least)


def _told(block: IPv4Network, inside: Sequence[Range], columns: int, least: float) -> bool:
    """Whether one line shows everything in a block."""
    if block.num_addresses <= columns:
        return True
    cells = [r.network.num_addresses * columns / block.num_addresses for r in inside]
    if min(cells) < least:
        return False
    return all(
        one.network.overlaps(other.network)
        for cells in _cells(block, inside, columns)
        for n, one in enumerate(cells)
        for other in cells[n + 1 :]
    )


def _cells(block: IPv4Network, ranges: Sequence[Range], columns: int) -> list[tuple[Range, ...]]:
    first, last = bounds(block)
    cells: list[tuple[Range, ...]] = [()] * columns
    for found in ranges:
        begin, end = bounds(found.network)
        start = (max(begin, first) - first) * columns // block.num_addresses
        stop = -(-(min(end, last) + 1 - first) * columns // block.num_addresses)
        for n in range(start, stop):
            cells[n] = (*cells[n], found)
    return cells


def _runs(cells: Sequence[tuple[Range, ...]]) -> Iterator[BandRun]:
    start = 0
    for n in range(1, len(cells) + 1):
        if n == len(cells) or cells[n] != cells[start]:
            if cells[start]:
                yield BandRun(start, n, cells[start])
            start = n


def span(first: int, last: int) -> str:
    """``10.100.0.0 – 10.100.95.255``."""
    return f"{IPv4Address(first)} – {IPv4Address(last)}"
