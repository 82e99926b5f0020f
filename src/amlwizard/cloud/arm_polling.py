"""How the end of an operation is found out where the generic client started it.

Imported where it is used: it loads Azure's SDK."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from azure.core.polling.base_polling import LocationPolling, StatusCheckPolling
from azure.mgmt.core.polling.arm_polling import (
    ARMPolling,
    AzureAsyncOperationPolling,
    BodyContentPolling,
)


class OperationLocation(LocationPolling[Any, Any]):
    """A Location that is the resource itself says where it was made, not how an operation goes.
    Managed Identity answers such a one with 201, relative and without API version: ARM refuses a
    poll of it."""

    def can_poll(self, pipeline_response: Any) -> bool:
        response = pipeline_response.http_response
        location = response.headers.get("location")
        return bool(location) and _named(location) != _named(response.request.url)


def _named(url: str) -> list[str]:
    """Type and name at the end of an address: a service may write what is before them otherwise."""
    return urlsplit(url).path.lower().rstrip("/").split("/")[-2:]


def polling(seconds: float) -> ARMPolling:
    return ARMPolling(
        seconds,
        lro_algorithms=[
            AzureAsyncOperationPolling(),
            OperationLocation(),
            BodyContentPolling(),
            StatusCheckPolling(),
        ],
    )
