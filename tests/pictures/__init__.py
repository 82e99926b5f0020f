"""The pictures of every screen in its telling states, for `screens/` and for the comparison with it.

A picture is a coroutine that brings the app to a state by keys and events; it is drawn at both sizes.
There is no cloud and no clock in one: runs are recorded or made of events with fixed stamps. Textual's
own snapshot plugin keeps its pictures under names of tests and beside a report; here they are part of
the product, so they have names and a folder of their own, and comparing them takes a few lines.

`make pictures` draws all of them anew; the scenes are declared in the modules beside this one.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input, TextArea

from amlwizard.tui.app import WizardApp

os.environ["TZ"] = "UTC"
time.tzset()

SCREENS = Path(__file__).parents[2] / "screens"
TRANSLATED = ("welcome", "naming", "addresses", "help", "security", "training", "review", "login")
"""The pictures of which there is one in each other language, in a folder that has its name."""
SIZES = ((120, 36), (80, 24))
NOW = 1_795_000_000.0
"""Seconds since the epoch at which all pictures are taken."""

Show = Callable[[Pilot[Any]], Awaitable[None]]


@dataclass(frozen=True)
class Picture:
    """`make` gives the app, `show` brings it to the state."""

    name: str
    make: Callable[[], WizardApp]
    show: Show

    def file(self, size: tuple[int, int], folder: Path = SCREENS) -> Path:
        return folder / f"{self.name}-{size[0]}x{size[1]}.svg"


PICTURES: dict[str, Picture] = {}


def picture(name: str, make: Callable[[], WizardApp]) -> Callable[[Show], Show]:
    """Declare a picture."""

    def declare(show: Show) -> Show:
        assert name not in PICTURES, name
        PICTURES[name] = Picture(name, make, show)
        return show

    return declare


async def drawn(picture: Picture, size: tuple[int, int]) -> str:
    """The SVG of a picture."""
    app = picture.make()
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        await picture.show(pilot)
        await settled(pilot)
        svg = app.export_screenshot(title="amlwizard", simplify=True)
        app.cancel_calls()
        return plain(svg, picture.name)


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until nothing moves: nothing is about to be done, and three looks in a row see the same."""
    seen: list[list[Strip]] = []
    while len(seen) < 3 or seen[-1] != seen[-2] or seen[-2] != seen[-3] or _due(pilot.app):
        for editor in (*pilot.app.screen.query(Input), *pilot.app.screen.query(TextArea)):
            editor.cursor_blink = False
        await pilot.pause()
        seen.append(pilot.app.screen._compositor.render_strips())


def _due(app: App[Any]) -> bool:
    """Whether something was put off for a moment, or is computed in a thread; what stands for
    seconds, as a toast does, is none, nor is a request that waits for its answer."""
    if any(worker.group != "score" for worker in app.workers):
        return True
    pumps = (app, app.screen, *app.screen.walk_children(with_self=False))
    return any(
        timer._repeat == 0
        and timer._interval < 1
        and timer._active.is_set()
        and timer._task is not None
        and not timer._task.done()
        for pump in pumps
        for timer in pump._timers
    )


def plain(svg: str, name: str) -> str:
    """Without what changes from run to run, and without fonts from the Internet."""
    svg = re.sub(r",\s*url\([^)]*\) format\([^)]*\)", "", svg)
    svg = re.sub(r"terminal-\d+", name, svg)
    svg = re.sub(r'textLength="([\d.]+)"([^>]*>)([^<]*)', _as_wide_as_drawn, svg)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def _as_wide_as_drawn(text: re.Match[str]) -> str:
    """Rich counts a wide letter as one cell here, which would press a Japanese text to half its width."""
    length, between, content = text.groups()
    letters = unescape(content)
    if not letters.isascii():
        length = f"{float(length) * cell_len(letters) / len(letters):g}"
    return f'textLength="{length}"{between}{content}'


def text_of(svg: str) -> list[str]:
    """What an SVG says, line by line."""
    lines: dict[float, str] = {}
    for y, text in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines[float(y)] = lines.get(float(y), "") + text.replace("&#160;", " ")
    return [lines[y].rstrip() for y in sorted(lines)]
