"""What a network or a cloud may do to a request, for the control API of a sandbox."""

from __future__ import annotations

from support import Json

HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}
FAULTS: dict[str, Json] = {
    "429 without a time": {"status": 429, "code": "TooManyRequests"},
    "429 with a time": {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "1"}},
    "500": {"status": 500, "code": "InternalServerError"},
    "502 of a gateway": {"status": 502, "text": "<html>Bad gateway</html>", "headers": HTML},
    "503": {"status": 503, "code": "ServiceUnavailable"},
    "reset": {"mode": "reset"},
    "lost": {"mode": "drop"},
    "cut": {"mode": "cut"},
    "empty": {"status": 200, "text": ""},
    "unreadable": {"status": 200, "text": '{"value": [', "headers": JSON},
    "401": {"status": 401, "code": "ExpiredAuthenticationToken"},
}
# For requests that follow a sign-in; the challenge is the one of Microsoft's pages on continuous access
# evaluation.
REFUSALS: dict[str, Json] = {
    "403 for a while": {"status": 403, "code": "AuthorizationFailed", "times": 3},
    "challenged": {
        "status": 401,
        "code": "InvalidAuthenticationToken",
        "headers": {
            "www-authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com'
            '/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOns'
            'ibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ=="'
        },
    },
}
DISRUPTIONS: dict[str, Json] = {mode: {"mode": mode} for mode in ("terminate", "lose-contexts")}
"""What a cluster suffers at a request to it."""
