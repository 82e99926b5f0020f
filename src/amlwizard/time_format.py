"""Durations for display, in as few characters as distinguish them."""

from __future__ import annotations

from amlwizard.language import _


def span(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``4 min``, ``1 h 05``: for expected durations."""
    if seconds < 90:
        shown = f"{seconds:.{1 if seconds < 10 else 0}f}"
        return _("{seconds} s", seconds=shown)
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return _("{hours} h {minutes:02}", hours=hours, minutes=minutes)
    return _("{minutes} min", minutes=minutes)


def clock(seconds: float) -> str:
    """``0:42``, ``12:05``, ``1:02:03``: for elapsed time."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
