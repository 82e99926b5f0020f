"""A cloud in this process: what a sandbox once answered, played to whoever asks the same again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any
from unittest.mock import patch

import httpx
import requests

from amlwizard.app import targets
from amlwizard.cloud import databricks_client, execution, waiting, wire
from amlwizard.cloud.profile import CloudProfile, from_description

SENT = requests.adapters.HTTPAdapter.send
HANDLED = httpx.HTTPTransport.handle_request


@dataclass(frozen=True)
class Said:
    """An answer; `content` are its bytes."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def body(self) -> Any:
        """Its JSON, None if it is none."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    def with_body(self, body: Any) -> Said:
        return replace(self, content=json.dumps(body).encode())


NOTHING = Said(
    404,
    (("content-type", "application/json"),),
    b'{"error": {"code": "NotFound", "message": "It is not there."}}',
)


@dataclass
class Cassette:
    """Answers by request (``METHOD url``), in order; the last of them is given again. `otherwise` is
    the answer to any other."""

    tracks: dict[str, list[Said]] = field(default_factory=dict)
    otherwise: Said = NOTHING
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Within the block, what clients of this process are answered is kept."""

        def send(adapter: Any, request: Any, *given: Any, **options: Any) -> requests.Response:
            answer = SENT(adapter, request, *given, **options)
            said = Said(answer.status_code, tuple(answer.headers.items()), answer.content)
            self._keep(f"{request.method} {request.url}", said)
            return answer

        def handle(transport: Any, request: httpx.Request) -> httpx.Response:
            answer = HANDLED(transport, request)
            answer.read()
            said = Said(answer.status_code, tuple(answer.headers.items()), answer.content)
            self._keep(f"{request.method} {request.url}", said)
            return answer

        with (
            patch.object(requests.adapters.HTTPAdapter, "send", send),
            patch.object(httpx.HTTPTransport, "handle_request", handle),
        ):
            yield

    def with_others(self, others: Mapping[tuple[str, int], Said]) -> Cassette:
        """The same with other answers, by request and number."""
        tracks = {
            asked: [others.get((asked, at), said) for at, said in enumerate(track)]
            for asked, track in self.tracks.items()
        }
        return Cassette(tracks, self.otherwise)

    def _keep(self, asked: str, said: Said) -> None:
        plain = tuple((k, v) for k, v in said.headers if k.lower() not in ENCODED)
        with self._lock:
            self.tracks.setdefault(asked, []).append(replace(said, headers=plain))

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Within the block, every client of this process is answered from here, and nothing waits."""
        played: Counter[str] = Counter()

        def answer(asked: str) -> Said:
            with self._lock:
                number = played[asked]
                played[asked] += 1
            track = self.tracks.get(asked)
            return track[min(number, len(track) - 1)] if track else self.otherwise

        def send(adapter: Any, request: Any, *given: Any, **options: Any) -> requests.Response:
            said = answer(f"{request.method} {request.url}")
            made = requests.Response()
            made.status_code, made.request, made.url = said.status, request, request.url
            made.headers.update(said.headers)
            made._content = said.content
            made._content_consumed = True
            made.reason = "OK"
            made.raw = _Raw()
            return made

        def handle(transport: Any, request: httpx.Request) -> httpx.Response:
            said = answer(f"{request.method} {request.url}")
            return httpx.Response(said.status, headers=list(said.headers), content=said.content)

        with (
            patch.object(requests.adapters.HTTPAdapter, "send", send),
            patch.object(httpx.HTTPTransport, "handle_request", handle),
            patch.object(targets, "from_description", hurried),
            patch.object(wire, "pause", lambda seconds: None),
            patch.object(execution, "CELL_SECONDS", 0.2),
            patch.object(execution, "CONTEXT_SECONDS", 0.2),
            patch.object(databricks_client, "RETRY_SECONDS", 1),  # less is 300 to the SDK
            patch.dict(waiting.LONGER, clear=True),
        ):
            yield


class _Raw:
    """What azure-core looks at beside a response of requests."""

    version, enforce_content_length = 11, True

    def close(self) -> None: ...


ENCODED = ("content-encoding", "content-length", "transfer-encoding")


def hurried(path: Path) -> CloudProfile:
    """The profile of a sandbox for which nothing is waited."""
    return replace(
        from_description(path), polling=0.001, retry=0.001, patience=0.05, lag=0.02, propagation=0.05,
        longest=0.2, lease=0.3, settle=0.001,
    )  # fmt: skip
