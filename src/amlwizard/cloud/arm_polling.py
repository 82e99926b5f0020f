"""How the generic client detects the end of an operation.

Import this where it is used: it loads the Azure SDK.
"""

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
    """Ignores a Location header that names the resource itself: it says where the resource was
    created, not how an operation is going. Managed Identity sends such a header with 201, relative
    and without api-version, and ARM refuses to poll it."""

    def can_poll(self, pipeline_response: Any) -> bool:
        response = pipeline_response.http_response
        location = response.headers.get("location")
        return bool(location) and _named(location) != _named(response.request.url)


def _named(url: str) -> list[str]:
    """Type and name at the end of a URL; services may write the part before them differently."""
    return urlsplit(url).path.lower().rstrip("/").split("/")[-2:]


def polling(seconds: float) -> ARMPolling:
    """Polling every `seconds`, without Location headers that name the resource itself."""
    return ARMPolling(
        seconds,
        lro_algorithms=[
            AzureAsyncOperationPolling(),
            OperationLocation(),
            BodyContentPolling(),
            StatusCheckPolling(),
        ],
    )
