"""Creates every HTTP connection of this process, for every client and SDK.

So all of them trust the same certificates, use the same proxies, and raise the same certificate
errors; and none of them leaves this machine if the cloud is confined to it. Whatever is sent here ends when the command is cancelled, and
has limits on connecting, on silence and in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amlwizard.capture.noting import noted
from amlwizard.cloud import trust
from amlwizard.cloud.interruption import (
    CONNECT_SECONDS,
    SILENCE_SECONDS,
    interruptible,
    pause,
)
from amlwizard.cloud.profile import CloudProfile

if TYPE_CHECKING:
    import httpx
    import requests

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


def transport(profile: CloudProfile) -> Any:
    """An azure-core transport, for the argument ``transport`` of its SDK clients."""
    from azure.core.pipeline.transport import RequestsTransport

    class Transport(RequestsTransport):
        def sleep(self, duration: float) -> None:
            """The pause between two attempts, and between two polls of an operation."""
            pause(duration)

    return Transport(
        session=session(profile),
        connection_timeout=CONNECT_SECONDS,
        read_timeout=SILENCE_SECONDS,
    )


def client(profile: CloudProfile, timeout: float, also: Iterable[Path] = ()) -> httpx.Client:
    """An httpx client. `timeout` is in seconds; `also` are files of further CAs."""
    import httpx

    class Checked(httpx.Client):
        def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
            url = profile.must_allow(str(request.url))
            try:
                with noted(profile.recorder, request.method, url) as note:
                    note.asked(request.read(), request.headers.get("content-type", ""))
                    sent = partial(super().send, request, **options)
                    answer = interruptible(sent)
                    note.answered(answer.status_code, answer.headers, answer.content)
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


class LostAnswerError(OSError):
    """The connection failed after a request may have reached its server."""


_unrepeated: ContextVar[bool] = ContextVar("unrepeated", default=False)


@contextmanager
def unrepeated() -> Iterator[None]:
    """Within the block no SDK sends a request again whose answer was lost: LostAnswerError is
    raised, which none of them takes for a passing failure."""
    before = _unrepeated.set(True)
    try:
        yield
    finally:
        _unrepeated.reset(before)


def _adapter(profile: CloudProfile) -> Any:
    import requests

    believed = trust.context(profile)

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *given: Any, **options: Any) -> None:
            super().init_poolmanager(*given, **options, ssl_context=believed)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(
                proxy, **options, ssl_context=believed, proxy_ssl_context=believed
            )

        def build_connection_pool_key_attributes(
            self, request: Any, verify: Any, cert: Any = None
        ) -> Any:
            return super().build_connection_pool_key_attributes(request, True, cert)

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """Trust nothing but `believed`: neither certifi nor what the environment names."""

        def send(self, request: Any, *given: Any, **options: Any) -> Any:
            url = profile.must_allow(str(request.url))
            try:
                with noted(profile.recorder, str(request.method), url) as note:
                    note.asked(request.body, request.headers.get("content-type", ""))
                    sent = partial(super().send, request, *given, **options)
                    answer = interruptible(lambda: _whole(sent()))
                    note.answered(answer.status_code, answer.headers, answer.content)
                return answer
            except TimeoutError as error:
                if _unrepeated.get():
                    raise LostAnswerError(str(error)) from None
                raise requests.exceptions.ReadTimeout(str(error), request=request) from None
            except (
                requests.ConnectionError,
                requests.Timeout,
            ) as error:  # SSLError is of the first
                if refused := trust.refused(error, url, profile):
                    raise refused from None
                if _unrepeated.get() and not _never_sent(error):
                    raise LostAnswerError(str(error)) from None
                raise

    return Adapter(pool_connections=POOL, pool_maxsize=POOL)


def _never_sent(error: requests.RequestException) -> bool:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    unconnected = (ConnectTimeoutError, NewConnectionError)
    return any(isinstance(cause, unconnected) for cause in trust.causes(error))


def _whole(answer: requests.Response) -> requests.Response:
    """The answer with its body, which requests would otherwise read when it is needed."""
    assert answer.content is not None
    return answer
