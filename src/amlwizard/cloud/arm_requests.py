"""Requests to Azure Resource Manager through its SDK; bodies are JSON as on the wire."""

from __future__ import annotations

from typing import Any

from amlwizard.cloud.errors import asked, translated
from amlwizard.cloud.import_lock import made_once
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import transport
from amlwizard.errors import CloudError
from amlwizard.json_types import Document, MutableDocument


class ArmRequests:
    """Every call is thread-safe. `subscription` is set by the sign-in."""

    def __init__(self, profile: CloudProfile, credential: Any, subscription: str = "") -> None:
        self.profile, self.credential, self.subscription = profile, credential, subscription
        profile.must_allow(profile.arm)

    def _options(self) -> MutableDocument:
        return {
            "base_url": self.profile.arm,
            "credential_scopes": [self.profile.arm_scope],
            "polling_interval": self.profile.polling,
            "transport": transport(self.profile),
        }

    @made_once
    def _resources(self) -> Any:
        from azure.mgmt.resource.resources import ResourceManagementClient

        return ResourceManagementClient(self.credential, self.subscription, **self._options())

    def get(self, resource_id: str, api_version: str) -> MutableDocument | None:
        """The resource as ARM returns it, or None if it does not exist."""
        try:
            return self.send("GET", resource_id, api_version)
        except CloudError as error:
            if error.status == 404:
                return None
            raise

    def every(self, path: str, api_version: str) -> list[MutableDocument]:
        """All items of a collection, from all its pages."""
        page = self.send("GET", path, api_version)
        items = [*page.get("value", [])]
        while page.get("nextLink"):
            page = self._send_url("GET", page["nextLink"], None, path)
            items += page.get("value", [])
        return items

    def post(self, path: str, api_version: str, body: Document | None = None) -> MutableDocument:
        return self.send("POST", path, api_version, body)

    def send(
        self, method: str, path: str, api_version: str, body: Document | None = None
    ) -> MutableDocument:
        """The JSON body of the response, {} if it is empty. Raises CloudError for a status of 400
        or more."""
        mark = "&" if "?" in path else "?"
        url = f"{self.profile.arm}{path}{mark}api-version={api_version}"
        return self._send_url(method, url, body, path)

    def _send_url(self, method: str, url: str, body: Document | None, what: str) -> MutableDocument:
        from azure.core.exceptions import HttpResponseError
        from azure.core.rest import HttpRequest
        from azure.mgmt.core.exceptions import ARMErrorFormat

        def call() -> MutableDocument:
            request = HttpRequest(method, self.profile.must_allow(url), json=body)
            response = self._resources.send_request(request)
            if response.status_code >= 400:
                raise HttpResponseError(response=response, error_format=ARMErrorFormat)
            return dict(response.json()) if response.content else {}

        doing = f"{method} {short(what)}"
        if method == "GET":
            return asked(doing, call)
        with translated(doing):
            return call()


def short(resource_id: str) -> str:
    """An id shortened for messages: its type and name."""
    _, _, tail = resource_id.partition("?")[0].rpartition("/providers/")
    return tail or resource_id.rsplit("/", 2)[-1]
