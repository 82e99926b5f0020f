"""Python's garbage collection, kept short while the app runs.

A full pass visits every object that can be part of a cycle, and no thread does anything meanwhile:
0.1 s at the first pages, 0.4 s once Azure's SDKs are loaded, at any key. Nearly all that it visits,
modules and widgets, stays as long as the app. So full passes come earlier, and what survives one that
was long is set aside: the passes after it visit what is younger. What is set aside is still freed once
nothing refers to it; only cycles of it stay until the app ends, and those are less than the app has
grown by.
"""

from __future__ import annotations

import gc
import time
from typing import Literal

FULL = 2
"""The generation of a full pass."""
EARLY = 3
"""Passes over the middle generation before a full one, where Python waits for 10."""
LONG = 0.01
"""Seconds from which a pass is long: a tenth of what anybody may have to wait for."""


class GcTuning:
    """`begin` and `end` frame the life of an app."""

    def begin(self) -> None:
        self._before = gc.get_threshold()
        self._began = 0.0
        young, middle, _ = self._before
        gc.set_threshold(young, middle, EARLY)
        gc.freeze()
        gc.collect()  # of nothing: a pass is due when objects are many against those of the last one
        gc.callbacks.append(self._look)

    def end(self) -> None:
        """Leave the collector as it was."""
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
