"""A parsed request to ARM."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId

# Methods (`GET|HEAD`), path pattern, handler (called with the request and the named groups).
Route = tuple[str, str, Callable[..., Response]]
VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?")


@dataclass(frozen=True)
class ArmRequest:
    """`claims` are those of the access token; `headers` are case-insensitive; `id` is parsed from
    the path; `body` is a JSON object, which holds a list that was sent under an empty key."""

    method: str
    path: str
    version: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: JsonObject
    claims: JsonObject
    id: ResourceId

    @classmethod
    async def read(cls, request: Request, claims: JsonObject) -> ArmRequest:
        path = re.sub(r"/+", "/", request.url.path).rstrip("/")
        return cls(
            method=request.method,
            path=path,
            version=_version(request.query_params.get("api-version", "")),
            query=request.query_params,
            headers=request.headers,
            body=await _json(request),
            claims=claims,
            id=ResourceId.parse(path),
        )


def listed(items: list[JsonObject]) -> Response:
    return JSONResponse({"value": items})


def _version(given: str) -> str:
    if not given:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not VERSION.fullmatch(given):
        raise ArmError(400, "InvalidApiVersionParameter", f"The api-version '{given}' is invalid.")
    return given


async def _json(request: Request) -> JsonObject:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        raise ArmError(400, "InvalidRequestContent", "The request content was not JSON.") from None
    if isinstance(body, list) and request.method == "POST":
        return {"": body}  # some actions accept a list
    if not isinstance(body, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content must be an object.")
    return body
