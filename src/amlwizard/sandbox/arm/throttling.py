"""The limits on requests to a subscription: token buckets, as Azure documents them.

Each principal has one bucket for reads, writes and deletes; all principals together have fifteen
times as much. Responses tell what is left in both.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.state import State

Kind = Literal["reads", "writes", "deletes"]
KINDS: dict[str, Kind] = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
GLOBAL = 15
AGAIN_SECONDS = 10.0  # as users report it


@dataclass
class Bucket:
    """`used` tokens are missing; they come back with time."""

    used: float = 0.0
    at: float = 0.0


class Throttling:
    """What is used up comes back on the sandbox's clock: at once, unless that is ``real``."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._buckets: dict[tuple[str, str, str], Bucket] = {}

    def counted(
        self, method: str, rid: ResourceId, principal: str
    ) -> tuple[dict[str, str], ArmError | None]:
        """The headers that tell what is left after this request, and the refusal if there was
        nothing left for it. Tenant-level requests are not counted."""
        if not rid.subscription:
            return {}, None
        kind = KINDS.get(method, "writes")
        own = self._bucket(kind, rid.subscription, principal)
        everyone = self._bucket(kind, rid.subscription, "", GLOBAL)
        size, _ = self.state.data.limits.requests[kind]
        refusal = None
        if size - own.used < 1 or size * GLOBAL - everyone.used < 1:
            refusal = _refused(kind, rid.subscription, principal)
        else:
            own.used += 1
            everyone.used += 1
        name = "x-ms-ratelimit-remaining-subscription-"
        return {
            f"{name}{kind}": str(int(size - own.used)),
            f"{name}global-{kind}": str(int(size * GLOBAL - everyone.used)),
        }, refusal

    def _bucket(self, kind: Kind, subscription: str, principal: str, times: int = 1) -> Bucket:
        _, refill = self.state.data.limits.requests[kind]
        bucket = self._buckets.setdefault((kind, subscription.lower(), principal), Bucket())
        clock, now = self.state.clock, time.monotonic()
        gained = (now - bucket.at) * refill * times * clock.speed
        bucket.used = max(0.0, bucket.used - gained) if clock.kind == "real" else 0.0
        bucket.at = now
        return bucket


def _refused(kind: Kind, subscription: str, principal: str) -> ArmError:
    return ArmError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of '{kind.removesuffix('s')}' requests for subscription '{subscription}' actor "
        f"'{principal}' exceeded. Please try again after '{AGAIN_SECONDS:.0f}' seconds after "
        "additional tokens are available. Refer to https://aka.ms/arm-throttling for additional "
        "information.",
        again=AGAIN_SECONDS,
        by_arm=True,
    )
