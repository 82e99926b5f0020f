"""Requests and error responses of OAuth 2.0, as Entra has them."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Form = dict[str, str]
MOST_FIELDS = 100


def refusal(error: str, description: str, status: int = 400) -> Response:
    """`description` begins with the AADSTS number."""
    return JSONResponse(
        {
            "error": error,
            "error_description": description,
            "error_codes": [int("".join(filter(str.isdigit, description.split(":")[0])))],
            "correlation_id": str(uuid.uuid4()),
        },
        status,
    )


async def form_of(request: Request) -> Form:
    """The fields of a form; empty if it is none, or has more than MOST_FIELDS."""
    try:
        fields = parse_qs((await request.body()).decode(), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def resource_of(form: Form) -> str:
    """The resource of the first scope that names one."""
    for scope in form.get("scope", "").split():
        if scope not in ("openid", "profile", "offline_access"):
            return scope.rpartition("/")[0].rstrip("/") if "/" in scope else scope
    return form.get("resource", "")
