"""How the clients detect the end of an operation.

Import this where it is used: it loads the Azure SDK.
"""

from __future__ import annotations

from threading import Event as CancelEvent
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineResponse
from azure.core.polling.base_polling import LocationPolling, StatusCheckPolling
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core.polling.arm_polling import (
    ARMPolling,
    AzureAsyncOperationPolling,
    BodyContentPolling,
)

from amlwizard.run_control import cancelled_by


class OperationStatus(AzureAsyncOperationPolling[HttpRequest, HttpResponse]):
    """Reads no resource at the end: whoever began the operation reads it, and knows that it may not be
    visible yet."""

    def get_final_get_url(
        self, pipeline_response: PipelineResponse[HttpRequest, HttpResponse]
    ) -> None:
        return None


class OperationLocation(LocationPolling[HttpRequest, HttpResponse]):
    """Ignores a Location header that names the resource itself: it says where the resource was
    created, not how an operation is going. Managed Identity sends such a header with 201, relative
    and without api-version, and ARM refuses to poll it."""

    def can_poll(self, pipeline_response: PipelineResponse[HttpRequest, HttpResponse]) -> bool:
        response = pipeline_response.http_response
        location = response.headers.get("location")
        return bool(location) and _named(location) != _named(response.request.url)


def _named(url: str) -> list[str]:
    """Type and name at the end of a URL; services may write the part before them differently."""
    return urlsplit(url).path.lower().rstrip("/").split("/")[-2:]


class Polling(ARMPolling):
    """Polls until the operation ends or `cancel` is set: a poller has a thread of its own, which
    does not know what cancels the thread that made it. The result is None."""

    def __init__(self, seconds: float, endpoint: str, cancel: CancelEvent) -> None:
        super().__init__(
            seconds,
            path_format_arguments={"endpoint": endpoint},
            lro_algorithms=[
                OperationStatus(),
                OperationLocation(),
                BodyContentPolling(),
                StatusCheckPolling(),
            ],
        )
        self._cancel = cancel

    def resource(self) -> None:
        return None

    def run(self) -> None:
        with cancelled_by(self._cancel):
            super().run()
