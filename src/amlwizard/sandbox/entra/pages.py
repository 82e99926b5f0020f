"""What protects a page on which the owner agrees: from the pages of others, and from other users."""

from __future__ import annotations

from starlette.requests import Request

from amlwizard.sandbox.entra import connection_owner

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""No page of others holds this one in a frame or is told its address, and nobody keeps it."""
FOREIGN = "A form of another page, or another user of this machine, does not answer a sign-in."


def is_owner(request: Request) -> bool:
    """Whether the owner asks; everybody is the owner where the system tells no users apart."""
    return connection_owner.asks(request) or not connection_owner.TOLD


def comes_from_another(request: Request) -> bool:
    """What browsers say of a form's origin; other clients say nothing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    here = f"{request.url.scheme}://{request.url.netloc}"
    return site not in (None, "same-origin", "none") or origin not in (None, here)
