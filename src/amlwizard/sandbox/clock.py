"""How long operations take here, and timestamps as Azure writes them."""

from __future__ import annotations

import time
from dataclasses import dataclass

POLLS = 3


@dataclass(frozen=True)
class Clock:
    """How long operations take.

    `instant`: no time. `polls`: until polled `POLLS` times. `real`: the durations measured on Azure
    divided by `speed`.
    """

    kind: str = "real"
    speed: float = 60.0

    def progress(self, started: float, seconds: float, polls: int) -> float:
        """From 0 to 1 (done). What is instantaneous in Azure is so on every clock."""
        if self.kind == "instant" or not seconds:
            return 1.0
        if self.kind == "polls":
            passed = polls / POLLS
        else:
            passed = (time.time() - started) * self.speed / seconds
        return min(1.0, max(0.0, passed))

    def later(self, seconds: float) -> dict[str, str]:
        """The Retry-After header for a wait of so many seconds on Azure. A faster clock divides the
        wait, and needs milliseconds, for which Azure has a header of its own."""
        if self.kind != "real":
            return {"retry-after-ms": "10"}
        if self.speed <= 1:
            return {"Retry-After": f"{seconds:g}"}
        return {"retry-after-ms": str(max(10, round(seconds * 1000 / self.speed)))}

    def done(self, started: float, seconds: float, polls: int) -> bool:
        return self.progress(started, seconds, polls) >= 1


def timestamp(at: float | None = None) -> str:
    """A moment (seconds since 1970; None is now) as Azure writes it."""
    moment = time.time() if at is None else at
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + ".0000000Z"
