"""Moments, as Azure writes them."""

from __future__ import annotations

import time


def stamp(at: float | None = None) -> str:
    moment = time.time() if at is None else at
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + ".0000000Z"
