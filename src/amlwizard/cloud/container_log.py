"""Finds the error in the log of a deployment's container: responses and states do not contain
it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import dropwhile, takewhile

BEGUN = "Traceback (most recent call last):"
# The inference server's own exceptions, which only say that the script failed.
WRAPPERS = ("azureml_inference_server_http.", "SystemExit")
STAMPED = re.compile(r"\[?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")
SKEW_SECONDS = 5  # of the container's clock, which is in UTC
STARTED = "Azure ML Inferencing HTTP server v"  # what the inference server prints first
LAST_LINES = 5
LONGEST = 8  # lines of a message


def last_exception(log: str, since: float | None = None) -> str:
    """The last exception in the log since a time (epoch seconds), or since the server has started, as
    ``Type: message``; exceptions with which the inference server wraps it are skipped. If there is
    none, the last lines."""
    if since is None:
        lines = log.rpartition(STARTED)[2].splitlines()
    else:
        lines = list(dropwhile(lambda line: _is_before(line, since), log.splitlines()))
    raised = [text for text in _raised(lines) if text and not text.startswith(WRAPPERS)]
    if raised:
        return raised[-1]
    return "\n".join([line for line in lines if line.strip()][-LAST_LINES:])


def _is_before(line: str, since: float) -> bool:
    """Whether a line was written before a time; one without a stamp goes with those before it."""
    stamp = STAMPED.match(line)
    if not stamp:
        return True
    written = datetime.fromisoformat(f"{stamp[1]}T{stamp[2]}").replace(tzinfo=UTC)
    return written.timestamp() < since - SKEW_SECONDS


def _raised(lines: list[str]) -> Iterator[str]:
    """The text below each traceback: the exception, including its message."""
    begun = [number for number, line in enumerate(lines, 1) if BEGUN in line]
    ends = [*(number - 1 for number in begun[1:]), len(lines)]
    for start, end in zip(begun, ends, strict=False):
        below = (line.rstrip() for line in lines[start:end])
        text = list(dropwhile(lambda line: not line or line.startswith(" "), below))
        message = list(takewhile(lambda line: line and not STAMPED.match(line), text))
        yield "\n".join(message[:LONGEST])
