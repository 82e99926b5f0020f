"""Reads captures: files that `--capture` wrote, or other recordings in the same format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from amlwizard.errors import InvalidInputError
from amlwizard.json_types import ODD, Document, JsonValue, parsed
from amlwizard.language import _

SERVICES = (
    ("entra", re.compile(r"(?i)/oauth2/|/\.well-known/|/common/discovery|/msi/token|/discovery/")),
    ("tracking", re.compile(r"(?i)^/(mlflow|history|artifact)/")),
    ("arm", re.compile(r"(?i)^/(subscriptions|providers|tenants)(/|$)")),
    ("cells", re.compile(r"(?i)^/api/1\.2/")),
    ("databricks", re.compile(r"(?i)^/api/2\.")),
    ("scoring", re.compile(r"(?i)/score$|^/api/v1/")),
    ("names", re.compile(r"(?i)^/dns-query|^/resolve$")),
)


@dataclass(frozen=True)
class Exchange:
    """`at` is in seconds since the epoch, None if it is unknown."""

    scenario: str
    number: int
    method: str
    url: str
    asked: JsonValue
    status: int
    headers: Mapping[str, str]
    answered: JsonValue
    at: float | None

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> str:
        return urlsplit(self.url).query

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.lower()

    @property
    def service(self) -> str:
        """Which of SERVICES the path belongs to; ``other`` if none."""
        found = (name for name, pattern in SERVICES if pattern.search(self.path))
        return next(found, "other")


def read(files: Iterable[Path]) -> list[list[Exchange]]:
    """The exchanges of each scenario, in order. Raises InvalidInputError for a file that
    is not a capture."""
    scenarios: dict[str, list[Exchange]] = {}
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
            for number, text in enumerate(lines if lines != [""] else ()):
                exchange = _exchange(parsed(text), file.stem, number)
                scenarios.setdefault(exchange.scenario, []).append(exchange)
        except (OSError, *ODD) as error:
            raise InvalidInputError(
                _("{file} is not a capture.", file=file),
                why=f"{type(error).__name__}: {error}"[:200],
                fix=_("Name a file that --capture has written."),
            ) from None
    return list(scenarios.values())


def _exchange(line: Document, name: str, number: int) -> Exchange:
    headers = line.get("response_headers", line.get("headers")) or {}
    at = line.get("at")
    if isinstance(at, str):
        at = datetime.fromisoformat(at).timestamp()
    urlsplit(str(line["url"])).hostname  # noqa: B018 - raises ValueError for what is no address
    return Exchange(
        scenario=str(line.get("scenario", name)),
        number=int(line.get("seq", number)),
        method=str(line["method"]),
        url=str(line["url"]),
        asked=line.get("request_body"),
        status=int(line["status"]),
        headers={str(k).lower(): str(v) for k, v in headers.items()},
        answered=line.get("response_body"),
        at=None if at is None else float(at),
    )
