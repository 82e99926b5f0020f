"""Keeps the pauses of Python's garbage collector short while the app runs.

A full pass visits every object that can be part of a cycle and stops all threads: for 0.1 s on the
first pages, for 0.4 s once Azure's SDKs are loaded, at any key press. Nearly all that it visits,
modules and widgets, lives as long as the app. So full passes run earlier, and the survivors of a
long one are frozen: later passes visit younger objects only. Frozen objects are still freed once
nothing refers to them; only cycles among them stay until the app ends, and those are less than the
app has grown by.
"""

from __future__ import annotations

import gc
import time
from typing import Literal

FULL = 2
"""The generation number of a full pass."""
EARLY = 3
"""Passes over the middle generation before a full one; Python's default is 10."""
LONG = 0.01
"""Seconds from which a pass counts as long: a tenth of the longest acceptable delay."""


class GcTuning:
    """Call `begin` when the app starts and `end` when it stops."""

    def begin(self) -> None:
        """Freeze the objects that exist, and make full passes run earlier."""
        self._before = gc.get_threshold()
        self._began = 0.0
        young, middle, _ = self._before
        gc.set_threshold(young, middle, EARLY)
        gc.freeze()
        gc.collect()  # of nothing: the next full pass is due relative to the survivors of this one
        gc.callbacks.append(self._look)

    def end(self) -> None:
        """Restore the collector's settings."""
        gc.callbacks.remove(self._look)
        gc.unfreeze()
        gc.set_threshold(*self._before)

    def _look(self, phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        if info["generation"] < FULL:
            return
        if phase == "start":
            self._began = time.perf_counter()
        elif time.perf_counter() - self._began > LONG:
            gc.freeze()
