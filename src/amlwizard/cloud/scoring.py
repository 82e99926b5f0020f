"""The scoring request, sent by a client of our own: azure-ai-ml's leaks headers between calls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import monotonic
from typing import Any

from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.secret import Secret, hide
from amlwizard.cloud.wire import client
from amlwizard.errors import CloudError

TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Scored:
    """An answer, of whatever status. `body` is its JSON, or its text where it is none."""

    status: int
    body: Any
    seconds: float


def score(profile: CloudProfile, uri: str, key: Secret, body: dict[str, Any]) -> Scored:
    """POST with the Bearer key. Raises CloudError where no answer comes."""
    import httpx

    began = monotonic()
    try:
        with client(profile, TIMEOUT_SECONDS) as sender:
            answer = sender.post(
                uri, json=body, headers={"Authorization": f"Bearer {key.reveal()}"}
            )
    except httpx.HTTPError as error:
        raise CloudError(
            "The endpoint did not answer.",
            code=type(error).__name__,
            why=f"{type(error).__name__} at {uri}",
            fix="An internal load balancer answers inside the VNET only; else look at the "
            "deployment's state and the NSG of the scoring subnet.",
        ) from None
    seconds = monotonic() - began
    text = hide(answer.text)
    try:
        content: Any = json.loads(text)
    except ValueError:
        content = text[:500]
    return Scored(answer.status_code, content, seconds)
