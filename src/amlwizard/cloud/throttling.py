"""The requests that Azure Resource Manager takes from a subscription: all clients share them.

ARM counts what a principal asks of a subscription in token buckets, one each for reads, writes and
deletes. Every answer says what is left, and beyond that ARM refuses with 429. Source:
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling.
So a request waits here for its turn, before ARM refuses it, and if ARM does so all wait together.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition, Lock
from typing import TYPE_CHECKING

from amlwizard.cloud.interruption import HEARTBEAT_SECONDS
from amlwizard.errors import OperationCancelledError
from amlwizard.language import _
from amlwizard.run_control import POLL_SECONDS, current_cancel, current_report

if TYPE_CHECKING:
    import requests

SIZE = {"reads": 250.0, "writes": 200.0, "deletes": 200.0}
REFILL = {"reads": 25.0, "writes": 10.0, "deletes": 10.0}
"""A second. Subscriptions of trials may have less: every refusal halves what is believed."""
RECOVERY = 1.02
ATTEMPTS = 10
AGAIN_SECONDS = 10.0
TOLD_SECONDS = 2.0
"""A shorter wait is not worth a word."""

TOLD = {
    "reads": _("throttled: Azure takes no more reads from this subscription for {seconds} s"),
    "writes": _("throttled: Azure takes no more writes from this subscription for {seconds} s"),
    "deletes": _("throttled: Azure takes no more deletions from this subscription for {seconds} s"),
}
KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
LEFT = "x-ms-ratelimit-remaining-subscription-"
REFUSED = "SubscriptionRequestsThrottled"


class Budget:
    """The requests of one kind to one subscription. Whoever waits longest goes on first."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._changed = Condition()
        self._waiting: deque[object] = deque()
        self._left, self._since = SIZE[kind], time.monotonic()
        self._refill = REFILL[kind]
        self._under_way = 0
        self._until = 0.0

    def take(self) -> None:
        """Wait until one more request may be sent. Raises OperationCancelledError."""
        cancel, place, told = current_cancel(), object(), _WaitNotice(self.kind)
        with self._changed:
            self._waiting.append(place)
            try:
                while (seconds := self._seconds()) or place is not self._waiting[0]:
                    if cancel.is_set():
                        raise OperationCancelledError(
                            _("cancelled while Azure Resource Manager accepts no more requests")
                        )
                    told.waits(seconds)
                    is_next = place is self._waiting[0]
                    self._changed.wait(min(POLL_SECONDS, seconds) if is_next else POLL_SECONDS)
                self._left -= 1
                self._under_way += 1
            finally:
                self._waiting.remove(place)
                self._changed.notify_all()

    def _seconds(self) -> float:
        """How long until ARM takes another request, as far as is known."""
        now = time.monotonic()
        if now < self._until:
            return self._until - now
        gained = max(0.0, now - self._since) * self._refill
        self._left, self._since = min(SIZE[self.kind], self._left + gained), now
        return max(0.0, (1 - self._left) / self._refill)

    def answered(self, left: int | None) -> None:
        """The request has ended; ARM says that so many are `left`. It does not know yet of those
        that are under way."""
        with self._changed:
            self._under_way -= 1
            if left is not None:
                self._left, self._since = float(left - self._under_way), time.monotonic()
                self._refill = min(REFILL[self.kind], self._refill * RECOVERY)
            self._changed.notify_all()

    def refused(self, seconds: float) -> None:
        """ARM takes none for so long. The first one then shows what is left."""
        with self._changed:
            self._under_way -= 1
            now = time.monotonic()
            if now >= self._until:
                self._refill /= 2
            self._until = max(self._until, now + seconds)
            self._left, self._since = 1.0, self._until


class Throttle:
    """The budgets of a cloud, by subscription and kind."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._budgets: dict[tuple[str, str], Budget] = {}

    def paced(
        self, method: str, path: str, send: Callable[[], requests.Response]
    ) -> requests.Response:
        """The answer to a request of ARM. What ARM refused because the budget is used up had no
        effect, whatever it was, and is sent again."""
        matched = SUBSCRIPTION.match(path)
        if matched is None:
            return send()
        budget = self._budget(matched[1].lower(), KINDS.get(method, "writes"))
        for _attempt in range(ATTEMPTS - 1):
            answer = _sent(budget, send)
            if not _is_refused(answer):
                return answer
        return _sent(budget, send)

    def _budget(self, subscription: str, kind: str) -> Budget:
        with self._lock:
            return self._budgets.setdefault((subscription, kind), Budget(kind))


def _sent(budget: Budget, send: Callable[[], requests.Response]) -> requests.Response:
    budget.take()
    try:
        answer = send()
    except BaseException:
        budget.answered(None)
        raise
    if _is_refused(answer):
        budget.refused(_again(answer.headers))
    else:
        budget.answered(_left(answer.headers, budget.kind))
    return answer


def _is_refused(answer: requests.Response) -> bool:
    """Whether ARM itself refused: resource providers do so for reasons of their own, such as a
    network that is being changed, and the SDKs heed that."""
    return answer.status_code == 429 and REFUSED in answer.text


def _left(headers: Mapping[str, str], kind: str) -> int | None:
    """What the principal, and all of them together, may still ask."""
    said = (headers.get(f"{LEFT}{kind}", ""), headers.get(f"{LEFT}global-{kind}", ""))
    return min((int(number) for number in said if number.isdecimal()), default=None)


def _again(headers: Mapping[str, str]) -> float:
    milliseconds, seconds = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    if milliseconds.isdecimal():
        return int(milliseconds) / 1000
    return float(seconds) if seconds.isdecimal() else AGAIN_SECONDS


class _WaitNotice:
    """Says that a request waits, if that takes a while, and then again from time to time."""

    def __init__(self, kind: str) -> None:
        self._kind, self._next = kind, 0.0

    def waits(self, seconds: float) -> None:
        now = time.monotonic()
        if seconds >= TOLD_SECONDS and now >= self._next:
            self._next = now + HEARTBEAT_SECONDS
            current_report()(TOLD[self._kind].format(seconds=f"{seconds:.0f}"))
