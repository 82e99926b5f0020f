"""Creates every HTTP connection of this process, for every client and SDK.

So all of them trust the same certificates, use the same proxies, and raise the same certificate
errors; and none of them leaves this machine if the cloud is confined to it. Whatever is sent here
ends when the command is cancelled, and has limits on connecting, on silence and in all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from amlwizard.capture.noting import noted
from amlwizard.cloud import clock, trust
from amlwizard.cloud.interruption import (
    CONNECT_SECONDS,
    interruptible,
    pause,
)
from amlwizard.cloud.profile import CloudProfile
from amlwizard.errors import CloudError
from amlwizard.json_types import is_too_deep
from amlwizard.language import _
from amlwizard.run_control import bound

if TYPE_CHECKING:
    import httpx
    import requests
    from azure.core.pipeline.transport import RequestsTransport

ENTRA_ATTEMPTS = 4
ENTRA = re.compile(r"(?i)/(oauth2|\.well-known|discovery)/")  # its host may serve ARM too
TOO_DEEP = _("the answer is nested too deeply to be one")
POOL = 20  # connections to one host that are kept open


def session(profile: CloudProfile) -> requests.Session:
    """A session for clients built on requests: the SDKs of Azure and Databricks, and MSAL."""
    import requests

    return prepared(requests.Session(), profile)


def prepared(given: requests.Session, profile: CloudProfile) -> requests.Session:
    """Make a session that a library created use our connections."""
    adapter = _adapter(profile)
    for scheme in ("https://", "http://"):
        given.mount(scheme, adapter)
    # The proxies in the environment are not for traffic that stays on this machine.
    given.trust_env = not profile.loopback_only
    return given


def transport(profile: CloudProfile) -> RequestsTransport:
    """An azure-core transport, for the argument ``transport`` of its SDK clients."""
    from azure.core.pipeline.transport import RequestsTransport

    class Transport(RequestsTransport):
        def sleep(self, duration: float) -> None:
            """The pause between two attempts, and between two polls of an operation."""
            pause(duration)

    return Transport(
        session=session(profile),
        connection_timeout=CONNECT_SECONDS,
        read_timeout=profile.silence,
    )


def client(profile: CloudProfile, timeout: float, also: Iterable[Path] = ()) -> httpx.Client:
    """An httpx client. `timeout` is in seconds; `also` are files of further CAs."""
    import httpx

    class Checked(httpx.Client):
        def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401  passed on
            url = profile.must_allow(str(request.url))
            try:
                with noted(profile.recorder, request.method, url) as note:
                    note.asked(request.read(), request.headers.get("content-type", ""))
                    sent = partial(super().send, request, **options)
                    answer = interruptible(sent, named(request.method, url), profile.whole)
                    note.answered(answer.status_code, answer.headers, answer.content)
                if is_too_deep(answer.content):
                    raise httpx.RemoteProtocolError(TOO_DEEP, request=request)
                return answer
            except TimeoutError as error:
                raise httpx.ReadTimeout(str(error), request=request) from None
            except httpx.TransportError as error:
                if refused := trust.refused(error, url, profile):
                    raise refused from None
                raise

    return Checked(
        timeout=timeout, verify=trust.context(profile, also), trust_env=not profile.loopback_only
    )


class WebPageError(CloudError):
    """A web page came in place of an answer: no service that an SDK asks ever sends one."""

    def __init__(self, host: str) -> None:
        super().__init__(
            _("A web page came instead of a response from {host}.", host=host),
            code="WebPage",
            why=_(
                "The sign-in page of a network (a hotel's, a guest WLAN's) or a proxy answered "
                "instead. Its text was ignored."
            ),
            fix=_(
                "Open a browser and sign in to the network, or set HTTPS_PROXY to the proxy that leads "
                "to {host}, then run it again: it continues from here.",
                host=host,
            ),
        )


class LostAnswerError(OSError):
    """The connection failed, or no answer came in time, after a request may have reached its
    server."""


_unrepeated: ContextVar[bool] = ContextVar("unrepeated", default=False)


def unrepeated() -> AbstractContextManager[None]:
    """Within the block no SDK sends a request again whose answer was lost: LostAnswerError is
    raised, which none of them takes for a passing failure."""
    return bound(_unrepeated, True)


def _adapter(profile: CloudProfile) -> requests.adapters.HTTPAdapter:
    import requests

    believed = trust.context(profile)

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(
            self, connections: int, maxsize: int, block: bool = False, **options: object
        ) -> None:
            super().init_poolmanager(connections, maxsize, block, **options, ssl_context=believed)

        def proxy_manager_for(self, proxy: str, **options: object) -> object:
            return super().proxy_manager_for(
                proxy, **options, ssl_context=believed, proxy_ssl_context=believed
            )

        def build_connection_pool_key_attributes(
            self,
            request: requests.PreparedRequest,
            verify: bool | str | None,
            cert: str | tuple[str, str] | None = None,
        ) -> tuple[dict[str, Any], dict[str, Any]]:
            return super().build_connection_pool_key_attributes(request, True, cert)

        def cert_verify(self, conn: object, url: str, verify: object, cert: object) -> None:
            """Trust nothing but `believed`: neither certifi nor what the environment names."""

        def send(
            self,
            request: requests.PreparedRequest,
            *given: Any,  # noqa: ANN401  passed on
            **options: Any,  # noqa: ANN401
        ) -> requests.Response:
            url = profile.must_allow(str(request.url))
            send = partial(
                _sent, profile, request, url, partial(super().send, request, *given, **options)
            )
            if url.startswith(f"{profile.arm}/subscriptions/"):
                return profile.throttle.paced(str(request.method), urlsplit(url).path, send)
            if not (url.startswith(profile.authority) and ENTRA.search(urlsplit(url).path)):
                return send()
            for _attempt in range(ENTRA_ATTEMPTS - 1):
                with suppress(requests.ConnectionError, requests.Timeout):
                    if not _passes(answer := send()):
                        return answer
                pause(profile.retry)
            try:
                return send()
            except requests.RequestException as error:
                # Its SDK would send it as often again each time, and be silent for hours.
                if isinstance(error, requests.Timeout) or _was_silent(error):
                    raise LostAnswerError(str(error)) from None
                raise

    return Adapter(pool_connections=POOL, pool_maxsize=POOL)


def _sent(
    profile: CloudProfile,
    request: requests.PreparedRequest,
    url: str,
    send: Callable[[], requests.Response],
) -> requests.Response:
    import requests

    try:
        with noted(profile.recorder, str(request.method), url) as note:
            note.asked(request.body, str(request.headers.get("content-type", "")))
            doing = named(str(request.method), url)
            answer = interruptible(lambda: _whole(send()), doing, profile.whole)
            if _was_mistrusted(request, answer):
                answer = interruptible(lambda: _whole(send()), doing, profile.whole)
            note.answered(answer.status_code, answer.headers, answer.content)
        if is_too_deep(answer.content):  # which no SDK expects
            raise requests.ConnectionError(TOO_DEEP, request=request)
    except TimeoutError as error:
        if _unrepeated.get() or _is_signed_in(request):
            raise LostAnswerError(str(error)) from None
        raise requests.exceptions.ReadTimeout(str(error), request=request) from None
    except (requests.ConnectionError, requests.Timeout) as error:  # or an SSLError
        if refused := trust.refused(error, url, profile):
            raise refused from None
        # An SDK would be silent again, for as long each time: whoever asks may repeat it.
        silent = _was_silent(error) and _is_signed_in(request)
        if silent or (_unrepeated.get() and not _never_sent(error)):
            raise LostAnswerError(str(error)) from None
        raise
    clock.note_date(answer.headers.get("date"))
    page = answer.headers.get("content-type", "").startswith("text/html")
    if page and answer.status_code < 400:
        raise WebPageError(urlsplit(url).hostname or url)
    return answer


def named(method: str, url: str) -> str:
    """A request by what it is for: ``PUT virtualNetworks/vnet-ml``."""
    return f"{method} {'/'.join(urlsplit(url).path.split('/')[-2:])}"


def _passes(answer: requests.Response) -> bool:
    """Whether Entra may answer the same request later: it is throttled or down, or something else
    answered."""
    if answer.status_code == 429 or answer.status_code >= 500:
        return True
    try:
        answer.json()
    except ValueError:
        return True
    return False


def _was_mistrusted(request: requests.PreparedRequest, answer: requests.Response) -> bool:
    """Whether a token was not accepted, and the service does not say what it wants instead. Nothing
    happened then, and the same token may be accepted at once by another of its instances."""
    return (
        answer.status_code == 401
        and _is_signed_in(request)
        and "claims=" not in answer.headers.get("www-authenticate", "")
    )


def _is_signed_in(request: requests.PreparedRequest) -> bool:
    """Whether it is more than a part of a sign-in, whose SDKs know no error of ours."""
    return "Authorization" in request.headers


def _was_silent(error: requests.RequestException) -> bool:
    from urllib3.exceptions import ReadTimeoutError

    return any(isinstance(cause, ReadTimeoutError) for cause in trust.causes(error))


def _never_sent(error: requests.RequestException) -> bool:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    unconnected = (ConnectTimeoutError, NewConnectionError)
    return any(isinstance(cause, unconnected) for cause in trust.causes(error))


def _whole(answer: requests.Response) -> requests.Response:
    """The answer with its body, which requests would otherwise read when it is needed."""
    _ = answer.content
    return answer
