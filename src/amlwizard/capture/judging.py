"""Compares two answers to the same request in what clients depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.plain_text import PlainText

ENDED = ("Succeeded", "Failed", "Canceled")
LONG_RUNNING = {"azure-asyncoperation": "Azure-AsyncOperation", "location": "Location"}


@dataclass(frozen=True)
class RecordedAnswer:
    """The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: JsonValue

    @property
    def code(self) -> str:
        """The error code: of ARM (``error.code`` or ``code``) or Databricks (``error_code``)."""
        body = self.body if isinstance(self.body, dict) else {}
        error = body.get("error")
        inner = error.get("code") if isinstance(error, dict) else None
        return str(inner or body.get("code") or body.get("error_code") or "")

    @property
    def long_running(self) -> str:
        """The names of the headers that lead to the operation."""
        return " and ".join(name for key, name in LONG_RUNNING.items() if key in self.headers)

    @property
    def state(self) -> str:
        """The state of an operation or resource; empty if the body has none."""
        body = self.body if isinstance(self.body, dict) else {}
        properties = body.get("properties")
        nested = properties.get("provisioningState") if isinstance(properties, dict) else None
        status = body.get("status")
        return str((status if isinstance(status, str) else None) or nested or "")


@dataclass(frozen=True)
class Difference(PlainText):
    """`what` is status, code, outcome, header or property."""

    scenario: str
    number: int
    request: str
    what: str
    azure: str
    sandbox: str

    def to_json(self) -> JsonObject:
        return asdict(self)


def differences_between(
    azure: RecordedAnswer, sandbox: RecordedAnswer, writes: bool
) -> Iterator[tuple[str, str, str]]:
    """The differences: (what, Azure's, the sandbox's). `writes` compares the headers that lead to
    an operation, too."""
    if azure.status != sandbox.status:
        yield "status", str(azure.status), str(sandbox.status)
    if azure.status >= 400 and sandbox.status >= 400 and azure.code != sandbox.code:
        yield "code", azure.code, sandbox.code
    if not (azure.status < 300 and 0 < sandbox.status < 300):
        return
    if {azure.state, sandbox.state} == {"Succeeded", "Failed"}:
        yield "outcome", azure.state, " ".join(filter(None, (sandbox.state, sandbox.code)))
    if writes and azure.long_running != sandbox.long_running:
        yield "header", azure.long_running or "none", sandbox.long_running or "none"
    ours = set(paths(sandbox.body))
    for path in sorted(set(paths(azure.body)) - ours):
        yield "property", path, "not there"


def paths(value: JsonValue, stem: str = "") -> Iterator[str]:
    """The dotted paths of a body; values that are null or empty count as absent."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner not in (None, {}, [], ""):
                yield from paths(inner, f"{stem}.{key}" if stem else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{stem}[]")
    else:
        yield stem
