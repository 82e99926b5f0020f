"""Requests to Azure Resource Manager through its SDK; bodies are JSON as on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amlwizard.cloud.errors import UnreadableAnswerError, no_answer, retried, translated
from amlwizard.cloud.import_lock import made_once, one_at_a_time
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import transport
from amlwizard.errors import CloudError
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.resource.resources import ResourceManagementClient


class ArmRequests:
    """Every call is thread-safe. `subscription` is set by the sign-in."""

    def __init__(
        self, profile: CloudProfile, credential: TokenCredential, subscription: str = ""
    ) -> None:
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
    def _resources(self) -> ResourceManagementClient:
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
        page = self._page(self._url(path, api_version), path)
        items, read = [*page["value"]], set[str]()
        while following := page.get("nextLink"):
            if following in read:  # it would never end
                raise no_answer(
                    f"GET {short(path)}", _("The response is not one that Azure gives.")
                )
            read.add(following)
            page = self._page(following, path)
            items += page["value"]
        return items

    def _page(self, url: str, path: str) -> MutableDocument:
        def call() -> MutableDocument:
            page = self._call("GET", url, None)
            if not isinstance(page.get("value"), list):
                raise UnreadableAnswerError
            return page

        return retried(f"GET {short(path)}", call)

    def post(self, path: str, api_version: str, body: Document | None = None) -> MutableDocument:
        return self.send("POST", path, api_version, body)

    def query(
        self, path: str, api_version: str, body: Document | None, *keys: str
    ) -> MutableDocument:
        """The answer to a POST that is safe to repeat: sent again if the answer is lost, lacks all of
        `keys`, or the service is throttled or unavailable."""

        def call() -> MutableDocument:
            answer = self._call("POST", self._url(path, api_version), body)
            if not answer.keys() & set(keys):
                raise UnreadableAnswerError
            return answer

        return retried(f"POST {short(path)}", call, again_every=self.profile.retry)

    def send(
        self, method: str, path: str, api_version: str, body: Document | None = None
    ) -> MutableDocument:
        """The JSON body of the response, {} if it is empty. Raises CloudError for a status of 400
        or more."""
        return self._send_url(method, self._url(path, api_version), body, path)

    def _url(self, path: str, api_version: str) -> str:
        mark = "&" if "?" in path else "?"
        return f"{self.profile.arm}{path}{mark}api-version={api_version}"

    def _send_url(self, method: str, url: str, body: Document | None, what: str) -> MutableDocument:
        doing = f"{method} {short(what)}"
        if method == "GET":
            return retried(doing, lambda: self._call(method, url, body))
        with translated(doing):
            return self._call(method, url, body)

    def _call(self, method: str, url: str, body: Document | None) -> MutableDocument:
        """Raises azure-core's errors, and UnreadableAnswerError."""
        with one_at_a_time:
            from azure.core.exceptions import HttpResponseError
            from azure.core.rest import HttpRequest
            from azure.mgmt.core.exceptions import ARMErrorFormat

        request = HttpRequest(method, self.profile.must_allow(url), json=body)
        response = self._resources.send_request(request)
        if response.status_code >= 400:
            raise HttpResponseError(response=response, error_format=ARMErrorFormat)
        if not response.content and method != "GET":
            return {}
        try:
            answer = response.json()
        except ValueError:
            raise UnreadableAnswerError from None
        if not isinstance(answer, dict) or (method == "GET" and not answer):
            raise UnreadableAnswerError
        return answer


def short(resource_id: str) -> str:
    """An id shortened for messages: its type and name."""
    _, _, tail = resource_id.partition("?")[0].rpartition("/providers/")
    return tail or resource_id.rsplit("/", 2)[-1]
