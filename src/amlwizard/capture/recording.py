"""Writes a capture: one exchange per line, as JSON, in the order in which they ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qsl

from amlwizard.capture.redaction import Redactor
from amlwizard.errors import AmlwizardError
from amlwizard.json_types import parsed
from amlwizard.language import _
from amlwizard.paths import private, write

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
UNSEEN = _(
    "Not recorded: what cells send from the cluster, what the Azure CLI sends for a sign-in by "
    "azure-cli, and names that this machine resolves without HTTP."
)
CELL = "/api/1.2/commands/execute"


class Recorder:
    """Writes to a new file that only its owner can read. Thread-safe. `hide` removes secrets that
    are known elsewhere. Raises AmlwizardError if the file cannot be written."""

    def __init__(self, path: Path, hide: Callable[[str], str]) -> None:
        self.path, self.count, self._hide = path, 0, hide
        self._redactor, self._lock = Redactor(), Lock()
        try:
            self._out = open(path, "w", encoding="ascii", opener=private)  # noqa: SIM115 - see finish
        except OSError as error:
            raise AmlwizardError(
                _("{path} cannot be written.", path=path),
                why=error.strerror or "",
                fix=_("Name a file for --capture in a folder that exists."),
            ) from None

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
        self._out.write(_line(shown))
        self._out.flush()

    def finish(self) -> None:
        """Close the file, and replace in earlier lines the names that only later ones revealed."""
        with self._lock:
            self._out.close()
            if not self.path.is_file():
                return  # /dev/null, perhaps
            lines = self.path.read_text(encoding="ascii").splitlines()
            again = [self._redactor.again(json.loads(line)) for line in lines]
            write(self.path, "".join(map(_line, again)))


def _line(exchange: object) -> str:
    """In ASCII, so that no character of an answer is obeyed by whoever shows the file, or ends a
    line."""
    return json.dumps(exchange) + "\n"


def _parsed(content: bytes, kind: str) -> object:
    if not content:
        return None
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(content.decode(errors="replace")))
    try:
        value: object = parsed(content)
        return value
    except ValueError:
        text = content.decode(errors="replace")
        return text if text.isprintable() or text.startswith("<") else f"({len(content)} bytes)"
