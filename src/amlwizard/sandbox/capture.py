"""A log of all HTTP exchanges, one line of JSON each, in wire order, with secrets redacted.

Secrets are recognized by the names of their keys. One that was seen once is redacted wherever else
it occurs, in this exchange and in all later ones (a device code in a sentence, a key in a notebook
cell).
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from pydantic import JsonValue
from starlette.types import Scope

SECRET = re.compile(
    r"(?i)(token|password|secret|assertion|passphrase|kubeconfigs|client_info|string_value)$"
    r"|(device|user)_?code$|verification_uri$|(key|connectionstring)\d?$|protected_?settings$|pem(file)?$"
)
# Names that end like a secret's, and are not secret.
PUBLIC = re.compile(r"(?i)^(public_?key|key|partition_?key)$")
# The creation times of keys are not secret.
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?")
# A client id is stored in a secret scope beside its secret; elsewhere it is not secret.
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SIGNATURE = re.compile(r"([?&]sig=)[^&\s\"]+")  # of a shared access signature
SHORTEST = 8
GONE = "REDACTED"


class Capture:
    """Writes to a new file, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._out = os.fdopen(descriptor, "w")
        self._seen: set[str] = set()

    def record(
        self,
        scope: Scope,
        request: bytes,
        status: int,
        headers: list[tuple[bytes, bytes]],
        answer: bytes,
        fault: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """`status` is 0 if a fault suppressed the response."""
        host = dict(scope["headers"]).get(b"host", b"").decode(errors="replace")
        query = scope["query_string"].decode(errors="replace")
        line: dict[str, JsonValue] = {
            "at": time.time(),
            "method": scope["method"],
            "url": f"{scope.get('scheme', 'https')}://{host}{scope['path']}"
            + (f"?{query}" if query else ""),
            "request_body": _parsed(request, dict(scope["headers"]).get(b"content-type", b"")),
            "status": status,
            "response_headers": {
                k.decode(errors="replace"): GONE
                if k.lower() == b"set-cookie"
                else v.decode(errors="replace")
                for k, v in headers
            },
            "response_body": _parsed(answer),
        }
        if fault:
            line["fault"] = dict(fault)
        self._seen.update(text for text in _secrets(line) if len(text) >= SHORTEST)
        self._out.write(json.dumps(self._clean(line)) + "\n")
        self._out.flush()

    def _clean(self, value: JsonValue, secret: bool = False) -> JsonValue:
        if isinstance(value, dict):
            return {k: self._clean(v, _is_secret(k, value, secret)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._clean(item, secret) for item in value]
        if not isinstance(value, str):
            return value
        if secret and value and not TIME.fullmatch(value):
            return GONE
        for text in self._seen:
            value = value.replace(text, GONE)
        return SIGNATURE.sub(rf"\1{GONE}", value)


def _secrets(value: JsonValue, secret: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not (key == "string_value" and ID.fullmatch(str(inner))):
                yield from _secrets(inner, _is_secret(key, value, secret))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, secret)
    elif secret and isinstance(value, str) and not TIME.fullmatch(value):
        yield value


def _is_secret(key: str, beside: Mapping[str, JsonValue], under: bool) -> bool:
    """Whether the value of `key` is secret; `beside` is the object that contains it."""
    if key == "value" and any(k.lower() in ("keyname", "permissions") for k in beside):
        return True
    return under or (SECRET.search(key) is not None and PUBLIC.match(key) is None)


def _parsed(content: bytes, kind: bytes = b"") -> JsonValue:
    if not content:
        return None
    if kind.startswith(b"application/x-www-form-urlencoded"):
        return dict(parse_qsl(content.decode(errors="replace")))
    try:
        parsed: JsonValue = json.loads(content)
        return parsed
    except (ValueError, RecursionError):
        return "(not JSON)"
