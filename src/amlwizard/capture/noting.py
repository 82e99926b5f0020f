"""Records an exchange as it happens, with any HTTP client."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from amlwizard.capture.recording import Recorder


class Note:
    """The request and the answer of an exchange, as far as they are known."""

    def __init__(self) -> None:
        self.request: tuple[bytes, str] = (b"", "")
        self.answer: tuple[int, Mapping[str, str], bytes] = (0, {}, b"")

    def asked(self, body: object, kind: str) -> None:
        """`kind` is the content type; a body that is neither text nor bytes is left out."""
        content = body.encode() if isinstance(body, str) else body
        self.request = (content if isinstance(content, bytes) else b"", kind)

    def answered(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.answer = (status, headers, body)


@contextmanager
def noted(recorder: Recorder | None, method: str, url: str) -> Iterator[Note]:
    """The note of an exchange, passed to the recorder when the block ends, with or without an
    answer."""
    note, at, began, error = Note(), time.time(), time.monotonic(), ""
    try:
        yield note
    except Exception as lost:
        error = type(lost).__name__
        raise
    finally:
        if recorder:
            seconds = time.monotonic() - began
            recorder.exchange(
                method, url, note.request, *note.answer, at=at, seconds=seconds, error=error
            )
