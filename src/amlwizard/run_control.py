"""Pausing and cancelling a run, from any thread."""

from __future__ import annotations

from threading import Event


class RunControl:
    """Pauses, resumes and cancels a run. `cancelled` is set once the run is to end."""

    def __init__(self, cancelled: Event | None = None) -> None:
        self.cancelled = cancelled or Event()
        self._may_start = Event()
        self._may_start.set()

    def cancel(self) -> None:
        """Start no further step. Operations that Azure has begun continue there."""
        self.cancelled.set()
        self._may_start.set()

    def pause(self) -> None:
        """Start no further step until `resume`; running steps continue."""
        if not self.cancelled.is_set():
            self._may_start.clear()

    def resume(self) -> None:
        self._may_start.set()

    @property
    def paused(self) -> bool:
        return not self._may_start.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until steps may start; False if `seconds` pass first."""
        return self._may_start.wait(seconds)
