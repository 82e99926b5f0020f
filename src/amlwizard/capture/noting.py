"""Noting an exchange as it happens, whatever client it goes by."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from amlwizard.capture.recording import Recorder


class Note:
    """What is known of an exchange so far."""

    def __init__(self) -> None:
        self.request: tuple[bytes, str] = (b"", "")
        self.answer: tuple[int, Mapping[str, str], bytes] = (0, {}, b"")

    def asked(self, body: object, kind: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.request = (content if isinstance(content, bytes) else b"", kind)

    def answered(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.answer = (status, headers, body)


@contextmanager
def noted(recorder: Recorder | None, method: str, url: str) -> Iterator[Note]:
    """The note of an exchange, handed to the recorder when the block ends, with or without an
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
