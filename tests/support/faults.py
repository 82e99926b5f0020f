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
