"""What the log of a deployment's container says went wrong: answers and states say it nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import dropwhile, takewhile

BEGUN = "Traceback (most recent call last):"
# The server's own, which say no more than that the script failed.
WRAPPERS = ("azureml_inference_server_http.", "SystemExit")
STAMPED = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:")
LAST_LINES = 5
LONGEST = 8  # lines of a message


def last_exception(log: str) -> str:
    """The exception that the log tells of last, as ``Type: message``; of several that came of each
    other the one that was there first. Without any, the last lines."""
    lines = log.splitlines()
    raised = [text for text in _raised(lines) if text and not text.startswith(WRAPPERS)]
    if raised:
        return raised[-1]
    return "\n".join([line for line in lines if line.strip()][-LAST_LINES:])


def _raised(lines: list[str]) -> Iterator[str]:
    """What stands below each traceback: the exception, its message included."""
    begun = [number for number, line in enumerate(lines, 1) if BEGUN in line]
    ends = [*(number - 1 for number in begun[1:]), len(lines)]
    for start, end in zip(begun, ends, strict=False):
        below = (line.rstrip() for line in lines[start:end])
        text = list(dropwhile(lambda line: not line or line.startswith(" "), below))
        message = list(takewhile(lambda line: line and not STAMPED.match(line), text))
        yield "\n".join(message[:LONGEST])
