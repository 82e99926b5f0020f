"""Writes a capture: one exchange per line, as JSON, in the order in which they ended."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qsl

from amlwizard.capture.redaction import Redactor
from amlwizard.errors import AmlwizardError

HEADERS = (
    "content-type",
    "location",
    "azure-asyncoperation",
    "retry-after",
    "etag",
    "www-authenticate",
    "x-ms-error-code",
    "azureml-model-deployment",
)
UNSEEN = (
    "What cells send from the cluster, what the Azure CLI sends for a sign-in by azure-cli, and names "
    "that this machine resolves without HTTP are not seen."
)
CELL = "/api/1.2/commands/execute"


class Recorder:
    """Writes to a new file that only its owner can read. Thread-safe. `hide` removes secrets that
    are known elsewhere. Raises AmlwizardError if the file cannot be written."""

    def __init__(self, path: Path, hide: Callable[[str], str]) -> None:
        self.path, self.count, self._hide = path, 0, hide
        self._redactor, self._lock = Redactor(), Lock()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise AmlwizardError(
                f"{path} cannot be written.",
                why=error.strerror or "",
                fix="Name a file for --capture in a folder that is there.",
            ) from None
        self._out = os.fdopen(descriptor, "w")

    def exchange(
        self,
        method: str,
        url: str,
        request: tuple[bytes, str],
        status: int,
        headers: Mapping[str, str],
        answer: bytes,
        *,
        at: float,
        seconds: float,
        error: str = "",
    ) -> None:
        """`request` is its body and content type. `status` is 0 if no answer came, for the
        reason `error`; `at` is when it was sent (seconds since the epoch)."""
        asked = _parsed(*request)
        answered = _parsed(answer, headers.get("content-type", ""))
        line: dict[str, object] = {
            "at": round(at, 3),
            "seconds": round(seconds, 3),
            "method": method,
            "url": url,
            "request_body": asked,
            "status": status,
            "response_headers": {k.lower(): v for k, v in headers.items() if k.lower() in HEADERS},
            "response_body": answered,
        }
        if error:
            line["error"] = error
        if url.endswith(CELL):
            line["not_seen"] = "what this cell sends from the cluster"
        with self._lock:
            self._redactor.learn(url, asked, answered)
            self._write(line)
            self.count += 1

    def _write(self, line: dict[str, object]) -> None:
        shown = self._redactor.clean(json.loads(self._hide(json.dumps(line, ensure_ascii=False))))
        self._out.write(json.dumps(shown, ensure_ascii=False) + "\n")
        self._out.flush()

    def finish(self) -> None:
        """Close the file, and replace in earlier lines the names that only later ones revealed."""
        with self._lock:
            self._out.close()
            lines = self.path.read_text().splitlines()
            again = [self._redactor.again(json.loads(line)) for line in lines]
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in again)
            self.path.write_text(text)


def _parsed(content: bytes, kind: str) -> object:
    if not content:
        return None
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(content.decode(errors="replace")))
    try:
        return json.loads(content)
    except ValueError:
        text = content.decode(errors="replace")
        return text if text.isprintable() or text.startswith("<") else f"({len(content)} bytes)"
