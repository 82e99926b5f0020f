"""Blobs of a storage account, read and written (whole or in blocks) with a shared access signature.
They are files in the sandbox's folder.

A signature is valid for one hour, for one blob or for all those of a container (of which no list can
be had). The account's firewall has been checked before.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from amlwizard.sandbox.state import State

VERSION, SECONDS = "2024-11-04", 3600
READ, WRITE = "r", "rcw"
ARTIFACTS = "-azureml"  # ends the name of the container that a workspace keeps artifacts in
MESSAGES = {
    "AuthorizationFailure": "This request is not authorized to perform this operation.",
    "AuthenticationFailed": "Server failed to authenticate the request. Make sure the value of "
    "Authorization header is formed correctly including the signature.",
    "BlobAlreadyExists": "The specified blob already exists.",
    "BlobNotFound": "The specified blob does not exist.",
    "NoAuthenticationInformation": "Server failed to authenticate the request. Please refer to the "
    "information in the www-authenticate header.",
}
URL = re.compile(r"https://([^./]+)\.blob\.core\.windows\.net(?::443)?/([^/]+)/?(.*)")
CONTAINER = re.compile(r"[A-Za-z0-9$-]+")
BLOCK = re.compile(rb"<(?:Latest|Uncommitted|Committed)>([^<]+)</")


class Blob(NamedTuple):
    """A blob, or what the names of several begin with."""

    account: str
    container: str
    path: str


def blob_of(url: str) -> Blob | None:
    """What a URL without signature names; None if that is no blob."""
    matched = URL.fullmatch(url)
    return Blob(*matched.groups()) if matched else None


class Blobs:
    def __init__(self, state: State) -> None:
        self.state = state

    def file(self, container: str, name: str) -> Path:
        """The file of a blob, or the folder of those whose names begin with `name`. The container
        of artifacts is where the workspace's MLflow server keeps them."""
        if not CONTAINER.fullmatch(container):
            raise ValueError(container)
        if container.endswith(ARTIFACTS):
            home = self.state.folder / "mlflow" / container.removesuffix(ARTIFACTS) / "artifacts"
        else:
            home = self.state.folder / "blobs" / container
        file = (home / name).resolve()
        if not file.is_relative_to(home.resolve()):
            raise ValueError(name)
        return file

    def url(self, account: str, container: str, name: str, rights: str) -> str:
        """The signed URL of a blob; of the container, if `name` is empty."""
        expires = _written(time.time() + SECONDS)
        query = {"sv": VERSION, "sr": "b" if name else "c", "se": expires, "sp": rights}
        signed = {**query, "sig": self._signature(account, container, name, query)}
        path = f"{container}/{quote(name)}".rstrip("/")
        return f"https://{account}.blob.core.windows.net/{path}?{urlencode(signed)}"

    async def answer(self, request: Request, account: str) -> Response | None:
        """None if the request has no signature."""
        if "sig" not in request.query_params:
            return None
        if refused := self.refused(request, account):
            return refused
        file = self.file(*_named(request))
        if request.method == "PUT":
            return await self._put(request, file)
        return _read(request, file)

    def refused(self, request: Request, account: str) -> Response | None:
        """None if the request has a signature that is valid for it."""
        query = request.query_params
        container, name = _named(request)
        parts = {key: query.get(key, "") for key in ("sv", "sr", "se", "sp")}
        wanted = {"PUT": "w", "GET": "r", "HEAD": "r"}.get(request.method, "")
        signed = "" if parts["sr"] == "c" else name
        signature = self._signature(account, container, signed, parts)
        is_valid = hmac.compare_digest(query.get("sig", "").encode(), signature.encode())
        if not is_valid or not name or parts["se"] < _written(time.time()):
            return refusal(403, "AuthenticationFailed")
        if not wanted or wanted not in parts["sp"]:
            return refusal(403, "AuthorizationPermissionMismatch")
        return None

    async def _put(self, request: Request, file: Path) -> Response:
        what, content = request.query_params.get("comp"), await request.body()
        blocks = file.with_name(f".{file.name}.blocks")
        if what == "block":
            block = blocks / hashlib.sha256(request.query_params["blockid"].encode()).hexdigest()
            block.parent.mkdir(parents=True, exist_ok=True)
            block.write_bytes(content)
            return Response(status_code=201, headers=_headers())
        if what == "metadata":  # not kept
            status = 200 if file.exists() else 404
            return Response(status_code=status, headers=_headers())
        if request.headers.get("if-none-match") == "*" and file.exists():
            return refusal(409, "BlobAlreadyExists")
        if what == "blocklist":
            named = [hashlib.sha256(block).hexdigest() for block in BLOCK.findall(content)]
            if not all((blocks / name).exists() for name in named):
                return refusal(400, "InvalidBlockList")
            content = b"".join((blocks / name).read_bytes() for name in named)
            for block in blocks.iterdir():
                block.unlink()
            blocks.rmdir()
        elif request.headers.get("x-ms-blob-type") != "BlockBlob":
            return refusal(400, "MissingRequiredHeader")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return Response(status_code=201, headers={**_headers(), **_tags(file)})

    def _signature(self, account: str, container: str, name: str, query: dict[str, str]) -> str:
        parts = (account, container, name, *(query[key] for key in ("sv", "sr", "se", "sp")))
        return base64.b64encode(bytes.fromhex(self.state.derive("sas", *parts))).decode()


def _named(request: Request) -> tuple[str, str]:
    """Container and name of the blob that a request is about."""
    container, _, name = request.url.path.lstrip("/").partition("/")
    return container, name


def _written(seconds: float) -> str:
    """A time as signatures hold it; later ones sort behind."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _read(request: Request, file: Path) -> Response:
    if not file.is_file():
        return refusal(404, "BlobNotFound")
    content = file.read_bytes()
    headers = {
        **_headers(),
        **_tags(file),
        "x-ms-blob-type": "BlockBlob",
        "accept-ranges": "bytes",
        "content-type": "application/octet-stream",
    }
    asked = request.headers.get("x-ms-range") or request.headers.get("range") or ""
    matched = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
    if not matched:
        return Response(content if request.method == "GET" else b"", 200, headers)
    start, end = int(matched[1]), int(matched[2] or len(content) - 1)
    if start >= len(content):
        return refusal(416, "InvalidRange")
    part = content[start : end + 1]
    headers["content-range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
    return Response(part, 206, headers)


def _headers() -> dict[str, str]:
    return {"x-ms-version": VERSION, "x-ms-request-server-encrypted": "true"}


def _tags(file: Path) -> dict[str, str]:
    changed = file.stat()
    return {
        "etag": f'"0x{changed.st_mtime_ns:X}"',
        "last-modified": format_datetime(
            datetime.fromtimestamp(changed.st_mtime, UTC), usegmt=True
        ),
    }


def refusal(status: int, code: str) -> Response:
    """An error response of the storage services."""
    return Response(
        f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code>'
        f"<Message>{MESSAGES.get(code, code)}</Message></Error>",
        status,
        {**_headers(), "x-ms-error-code": code},
        "application/xml",
    )
