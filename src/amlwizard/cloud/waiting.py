"""Waits for long operations of a cloud: reports progress, times out, and stops when cancelled."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event as CancelEvent

from amlwizard.cloud.interruption import HEARTBEAT_SECONDS
from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import OperationCancelledError, StepError
from amlwizard.language import _
from amlwizard.time_format import span

LONGER: dict[str, float] = {
    "microsoft.network/virtualnetworkgateways": 3 * 3600.0,
    "microsoft.network/bastionhosts": 2 * 3600.0,
    "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments": 2 * 3600.0,
}
"""Seconds by ARM type, for operations of which even usual ones take more than a few minutes: about
eight times the median of those recorded. Others have the profile's `longest`."""
CELL_SECONDS = 6 * 3600.0
"""A training may take hours; Databricks itself sets no limit."""


def longest(kind: str, usual: float) -> float:
    """Seconds after which an operation on a resource of this ARM type counts as stuck."""
    return max(LONGER.get(kind.lower(), 0.0), usual)


@dataclass
class Waiting:
    """A wait for `subject` (``cluster mlquick01``), of at most `longest` seconds. `where` says
    where a user sees what holds it up, `status` what was reported before."""

    subject: str
    where: str
    longest: float
    say: ReportProgress
    cancel: CancelEvent
    status: str = ""

    def __post_init__(self) -> None:
        self._began = self._said = time.monotonic()

    def tell(self, status: str) -> None:
        """Report the status if it changed, or if nothing was reported for HEARTBEAT_SECONDS. Raises
        StepError once the wait has taken longer than `longest`, OperationCancelledError once
        `cancel` is set."""
        if self.cancel.is_set():
            raise OperationCancelledError(
                _(
                    "cancelled; still under way: {subject} ({status})",
                    subject=self.subject,
                    status=status,
                )
            )
        now = time.monotonic()
        if now - self._began >= self.longest:
            raise self._stuck(status)
        if status != self.status:
            self.say(status)
        elif now - self._said >= HEARTBEAT_SECONDS:
            self.say(
                _("{status}, for {duration} now", status=status, duration=span(now - self._began))
            )
        else:
            return
        self.status, self._said = status, now

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`; returns early once `cancel` is set."""
        self.cancel.wait(seconds)

    def _stuck(self, status: str) -> StepError:
        minutes = (time.monotonic() - self._began) / 60
        since = time.strftime("%H:%M", time.localtime(time.time() - minutes * 60))
        return StepError(
            _(
                "{subject}: still {status} after {minutes:.0f} minutes (since {since}).",
                subject=self.subject,
                status=status,
                minutes=minutes,
                since=since,
            ),
            why=_(
                "No operation of this kind was ever seen to take so long, and no failure was reported."
            ),
            fix=_(
                "Check {where}. Run the command again once the operation has ended: it continues from there.",
                where=self.where,
            ),
        )
