"""Records the app as an asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2/): a
header as a line of JSON, then for each frame a line with its seconds, "o", and what to write to a
terminal. Only what differs from the frame before is written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TextIO

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from amlwizard.language import _
from amlwizard.time_format import clock
from amlwizard.tui.demo.player import DemoApp

FRAMES_PER_SECOND = 8
APART = 8  # equal cells between two changes for which the cursor is moved rather than they repeated
FIRST, LAST = (
    "\x1b[?25l\x1b[2J",
    "\r\n\x1b[0m\x1b[?25h",
)  # no cursor and nothing on the screen; a line of its own
Cell = tuple[str, Style | None]


class Cast:
    """Writes frames to a cast, and how far it is to `progress`, if that is a terminal."""

    def __init__(self, out: TextIO, size: tuple[int, int], progress: TextIO) -> None:
        self._out, self._progress, self._lines = out, progress, size[1]
        self._began = time.monotonic()
        self._strips: list[Strip | None] = [None] * size[1]
        self._drawn: list[list[Cell]] = [[] for _ in range(size[1])]
        header = {
            "version": 2,
            "width": size[0],
            "height": size[1],
            "timestamp": int(time.time()),
            "title": "amlwizard",
            "env": {"TERM": "xterm-256color"},
        }
        out.write(json.dumps(header) + "\n")
        self._write(FIRST)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def draw(self, app: DemoApp) -> None:
        """Add a frame if the screen of the app has changed."""
        if app.displayed:
            app.displayed = False
            self._frame(app)
        if self._progress.isatty():
            told = _("Recording {time}. Ctrl-C ends it.", time=clock(self.seconds))
            self._progress.write(f"\r{told}")
            self._progress.flush()

    def _frame(self, app: DemoApp) -> None:
        strips = app.screen._compositor.render_strips()[: self._lines]
        changed = "".join(self._redrawn(*line) for line in enumerate(strips))
        if changed:
            self._write(changed)

    def _redrawn(self, number: int, strip: Strip) -> str:
        """What draws a line anew where it differs; most do not, and are not taken apart."""
        if strip == self._strips[number]:
            return ""
        row, before = _cells(strip), self._drawn[number]
        self._strips[number], self._drawn[number] = strip, row
        return "".join(
            f"\x1b[{number + 1};{start + 1}H{_text(row[start:end])}"
            for start, end in _changes(before, row)
        )

    def end(self) -> None:
        """Leave the cursor below the last frame."""
        self._write(f"\x1b[{self._lines};1H{LAST}")
        if self._progress.isatty():
            self._progress.write("\r\x1b[K")

    def _write(self, text: str) -> None:
        line = [round(self.seconds, 3), "o", text]
        self._out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def finished(file: Path, seconds: float) -> str:
    """The sentence about a cast that is finished."""
    size = max(1, round(file.stat().st_size / 1000))
    return _("Wrote {file}, {time}, {size} kB.", file=file, time=clock(seconds), size=size)


def _cells(strip: Strip) -> list[Cell]:
    """One for each column; the second column of a wide character has no text."""
    cells: list[Cell] = []
    for text, style, _control in strip:
        for character in text:
            width = cell_len(character)
            if width:
                cells += [(character, style), *[("", style)] * (width - 1)]
            elif cells:  # it belongs to the character before
                cells[-1] = (cells[-1][0] + character, cells[-1][1])
    return cells


def _changes(before: Sequence[Cell], after: Sequence[Cell]) -> Iterator[tuple[int, int]]:
    """The ranges of columns that differ; those that are near each other are one."""
    start = end = -1
    for column, cell in enumerate(after):
        if column < len(before) and before[column] == cell:
            continue
        if start < 0 or column - end > APART:
            if start >= 0:
                yield start, end
            start = column - 1 if not cell[0] and column else column
        end = column + 1
    if start >= 0:
        while end < len(after) and not after[end][0]:
            end += 1
        yield start, end


def _text(cells: Sequence[Cell]) -> str:
    runs = (
        (style, "".join(text for text, _ in run)) for style, run in groupby(cells, lambda c: c[1])
    )
    return "".join(style.render(text) if style else text for style, text in runs)
