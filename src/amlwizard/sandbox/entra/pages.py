"""Protection of the approval pages against other web pages and other users."""

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
"""No framing, no referrer to other sites, no caching."""
FOREIGN = "A form of another page, or another user of this machine, does not answer a sign-in."


def is_owner(request: Request) -> bool:
    """Whether the client is the owner. Always, if the system does not show who it is."""
    return connection_owner.is_owner(request) or not connection_owner.IS_KNOWN


def comes_from_another(request: Request) -> bool:
    """Whether a browser says that a form was submitted from another site."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    here = f"{request.url.scheme}://{request.url.netloc}"
    return site not in (None, "same-origin", "none") or origin not in (None, here)
