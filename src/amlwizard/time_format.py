"""Durations for display, in as few characters as distinguish them."""

from __future__ import annotations


def span(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``4 min``, ``1 h 05``: for expected durations."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"


def clock(seconds: float) -> str:
    """``0:42``, ``12:05``, ``1:02:03``: for elapsed time."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
