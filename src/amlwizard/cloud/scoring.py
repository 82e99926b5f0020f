"""The scoring request, sent by a plain HTTP client: azure-ai-ml's leaks headers between calls."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING

from amlwizard.cloud import frontends
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import client
from amlwizard.cloud_port import EndpointAnswer, Frontend
from amlwizard.errors import CloudError
from amlwizard.json_types import JsonObject, JsonValue, parsed
from amlwizard.language import _
from amlwizard.secret import Secret, hide

if TYPE_CHECKING:
    import httpx
    import requests

TIMEOUT_SECONDS = 60
DEPLOYMENT = "azureml-model-deployment"
SERVED = "x-ms-run-function-failed"  # the inference server's header: true, or false


def read(status: int, headers: Mapping[str, str], text: str, seconds: float) -> EndpointAnswer:
    """Parse a response; the keys of `headers` are in lower case."""
    text = hide(text)
    page = "html" in headers.get("content-type", "")
    try:
        content: JsonValue = parsed(text)
    except ValueError:
        content = text[:500]
    return EndpointAnswer(status, content, seconds, SERVED in headers, page)


def score(
    profile: CloudProfile,
    uri: str,
    key: Secret,
    body: JsonObject,
    at: Frontend | None = None,
    deployment: str = "",
) -> EndpointAnswer:
    """POST with the key as Bearer token; `at` locates an endpoint that has its own DNS name.

    Raises CloudError if there is no response.
    """
    import httpx
    import requests

    headers = {"Authorization": f"Bearer {key.reveal()}"}
    if deployment:
        headers[DEPLOYMENT] = deployment
    answer: httpx.Response | requests.Response
    began = monotonic()
    try:
        if at:
            answer = frontends.post(profile, uri, at, headers, body, TIMEOUT_SECONDS)
        else:
            with client(profile, TIMEOUT_SECONDS) as sender:
                answer = sender.post(uri, json=body, headers=headers)
    except (httpx.HTTPError, requests.RequestException) as error:
        where = f"{uri} ({at.address})" if at else uri
        raise CloudError(
            _("The endpoint did not answer."),
            code=type(error).__name__,
            why=_("{error} at {address}", error=type(error).__name__, address=where),
            fix=_(
                "An internal load balancer answers inside the VNET only; otherwise check the deployment's "
                "state and the NSG of the scoring subnet."
            ),
        ) from None
    seconds = monotonic() - began
    return read(answer.status_code, answer.headers, answer.text, seconds)
