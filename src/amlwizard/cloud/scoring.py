"""The scoring request, sent by a client of our own: azure-ai-ml's leaks headers between calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.secret import Secret, hide
from amlwizard.cloud.wire import client
from amlwizard.errors import CloudError

TIMEOUT_SECONDS = 60
SERVED = "x-ms-run-function-failed"  # the inference server's header: true, or false


@dataclass(frozen=True)
class Scored:
    """An answer, of whatever status. `body` is its JSON, or its text where it is none; `ran` says
    that the model's own server gave it, `page` that it is one for a browser, which no endpoint
    answers: something in between did."""

    status: int
    body: Any
    seconds: float
    ran: bool = False
    page: bool = False


def read(status: int, headers: Mapping[str, str], text: str, seconds: float) -> Scored:
    """An answer as it came; `headers` by their names in lower case."""
    text = hide(text)
    page = "html" in headers.get("content-type", "")
    try:
        content: Any = json.loads(text)
    except ValueError:
        content = text[:500]
    return Scored(status, content, seconds, SERVED in headers, page)


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
    return read(answer.status_code, answer.headers, answer.text, seconds)
