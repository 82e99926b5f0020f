"""Which subscription: the recipe's, or the only one there is; never silently the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amlwizard.errors import Finding, InvalidInput

FIELD = "sign_in.subscription"


def choose(seen: Sequence[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """The subscription (ARM document) to build in. Raises InvalidInput with what there is."""
    usable = [s for s in seen if s.get("state") in ("Enabled", "Warned", "PastDue")]
    names = ", ".join(f"{s['displayName']} ({s['subscriptionId']})" for s in usable) or "none"
    if wanted:
        for subscription in usable:
            if subscription["subscriptionId"].lower() == wanted.lower():
                return subscription
        what = f"The account does not see the subscription {wanted}."
    elif len(usable) == 1:
        return usable[0]
    else:
        what = f"The account sees {len(usable)} subscriptions: one must be chosen."
    fix = f"Set {FIELD} to one of: {names}."
    raise InvalidInput(
        what, findings=[Finding("subscription", "error", (FIELD,), what, fix=fix)], fix=fix
    )
