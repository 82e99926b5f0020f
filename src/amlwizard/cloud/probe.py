"""Probes a cloud from this machine: what names resolve to, how a request is answered."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

from amlwizard.cloud.errors import LOST_ANSWERS, no_answer
from amlwizard.cloud.interruption import interruptible
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.trust import UntrustedCertificateError
from amlwizard.cloud.wire import client
from amlwizard.cloud_port import ProbeResult
from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.language import _
from amlwizard.secret import Secret

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 8
IPV4 = 1  # the type of an A record
NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def resolve(profile: CloudProfile, name: str) -> list[str]:
    """The IPv4 addresses of a name, empty if it has none: from the resolver in the profile (DNS
    over HTTPS, JSON form), otherwise from this machine's. Raises CloudError if the resolver does
    not answer."""
    import httpx

    if profile.resolver is None:
        try:
            looked_up = partial(socket.getaddrinfo, name, 443, socket.AF_INET, socket.SOCK_STREAM)
            resolving = _("Resolving {name}", name=name)
            found = interruptible(looked_up, resolving, TIMEOUT_SECONDS)
        except OSError as error:
            if isinstance(error, socket.gaierror) and error.errno in NO_SUCH_NAME:
                return []
            raise no_answer(_("Resolving {name}", name=name), str(error)) from None
        return sorted({str(info[4][0]) for info in found})
    for left in range(LOST_ANSWERS, 0, -1):
        try:
            records = _records(profile, profile.resolver, name)
            break
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            if left == 1:
                raise no_answer(_("Resolving {name}", name=name), type(error).__name__) from None
    return sorted(str(r["data"]) for r in records if r.get("type") == IPV4)


def _records(profile: CloudProfile, resolver: str, name: str) -> list[JsonObject]:
    with client(profile, TIMEOUT_SECONDS) as asking:
        answer = asking.get(
            resolver,
            params={"name": name, "type": "A"},
            headers={"accept": "application/dns-json"},
        )
    answer.raise_for_status()
    return list(answer.json().get("Answer") or [])


def knock(
    profile: CloudProfile,
    method: str,
    url: str,
    body: JsonValue = None,
    token: Secret | None = None,
) -> ProbeResult:
    """Send one request and return its outcome. Never raises for what the other side does."""
    import httpx

    if not profile.allows(url):
        return ProbeResult(error="NoWayThere")
    headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
    try:
        with client(profile, TIMEOUT_SECONDS) as knocking:
            answer = knocking.request(method, url, json=body, headers=headers)
    except UntrustedCertificateError as refused:
        return ProbeResult(error=refused.code)
    except httpx.HTTPError as error:
        return ProbeResult(error=type(error).__name__)
    return ProbeResult(answer.status_code, _code(answer) if answer.status_code >= 400 else "")


def _code(answer: httpx.Response) -> str:
    if answer.headers.get("x-ms-error-code"):
        return str(answer.headers["x-ms-error-code"])
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
