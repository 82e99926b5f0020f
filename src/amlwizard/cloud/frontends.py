"""HTTPS to a load balancer by its address, with the name in its certificate: the DNS record cannot
exist before the address does."""

from __future__ import annotations

import re
import ssl
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from amlwizard.capture.noting import noted
from amlwizard.cloud import trust
from amlwizard.cloud.interruption import interruptible
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import named
from amlwizard.cloud_port import Frontend
from amlwizard.json_types import JsonObject
from amlwizard.language import _

if TYPE_CHECKING:
    import requests


def post(
    profile: CloudProfile,
    uri: str,
    at: Frontend,
    headers: dict[str, str],
    body: JsonObject,
    timeout: float,
) -> requests.Response:
    """Raises what `requests` raises, and `trust.UntrustedCertificateError`."""
    import requests

    parts = urlsplit(uri)
    port = f":{parts.port}" if parts.port else ""
    url = urlunsplit(parts._replace(netloc=f"{at.host}{port}"))
    proxy = _proxy(profile, at.host)
    if proxy is None:
        profile.must_allow(url)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", _adapter(profile, uri, at))
        try:
            return session.post(
                url,
                headers={"Host": f"{at.name}{port}", **headers},
                proxies={"https": proxy} if proxy else {},
                allow_redirects=False,
                json=body,
                timeout=timeout,
            )
        except requests.exceptions.SSLError as error:
            raise _refused(at, error) from None


def _adapter(profile: CloudProfile, uri: str, at: Frontend) -> requests.adapters.HTTPAdapter:
    import requests

    believed = trust.context(profile, [at.certificate])
    believed.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    shown = {
        "ssl_context": believed,
        "server_hostname": at.name,
        "assert_hostname": at.name,
    }

    class FrontendAdapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(
            self, connections: int, maxsize: int, block: bool = False, **options: object
        ) -> None:
            super().init_poolmanager(connections, maxsize, block, **options, **shown)

        def proxy_manager_for(self, proxy: str, **options: object) -> object:
            return super().proxy_manager_for(proxy, **options, **shown)

        def cert_verify(self, conn: object, url: str, verify: object, cert: object) -> None:
            """Trust nothing but `believed`."""

        def send(
            self,
            request: requests.PreparedRequest,
            *given: Any,  # noqa: ANN401  passed on
            **options: Any,  # noqa: ANN401
        ) -> requests.Response:
            with noted(profile.recorder, str(request.method), uri) as note:
                note.asked(request.body, str(request.headers.get("content-type", "")))
                try:
                    sent = partial(super().send, request, *given, **options)
                    answer = interruptible(sent, named(str(request.method), uri), profile.whole)
                except TimeoutError as error:
                    raise requests.ReadTimeout(str(error), request=request) from None
                note.answered(answer.status_code, answer.headers, answer.content)
            return answer

    return FrontendAdapter()


def _proxy(profile: CloudProfile, host: str) -> str | None:
    if profile.loopback_only:
        return profile.proxy
    return None if proxy_bypass(host) else getproxies().get("https")


def _refused(at: Frontend, error: BaseException) -> trust.UntrustedCertificateError:
    said = re.search(r"certificate verify failed: ([^(\]]+)", str(error))
    return trust.UntrustedCertificateError(
        _(
            "The endpoint at {address} does not present the certificate of {name}.",
            address=at.address,
            name=at.name,
        ),
        code="CertificateVerifyFailed",
        why=said[1].strip().capitalize() + "." if said else type(error).__name__,
        fix=_(
            "Set serving.tls_certificate to a valid certificate for serving.tls_name, and replay: the "
            "cluster extension is updated with it."
        ),
    )
