"""Where two answers to the same request differ in what clients go by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

ENDED = ("Succeeded", "Failed", "Canceled")
LONG_RUNNING = {"azure-asyncoperation": "Azure-AsyncOperation", "location": "Location"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The error code: of ARM (``error.code``), Databricks (``error_code``) or the header."""
        body = self.body if isinstance(self.body, dict) else {}
        error = body.get("error")
        inner = error.get("code") if isinstance(error, dict) else None
        return str(inner or body.get("code") or body.get("error_code") or "")

    @property
    def long_running(self) -> str:
        """Which headers lead to the operation."""
        return " and ".join(name for key, name in LONG_RUNNING.items() if key in self.headers)

    @property
    def state(self) -> str:
        """How far an operation or resource is; empty where it does not say."""
        body = self.body if isinstance(self.body, dict) else {}
        properties = body.get("properties")
        nested = properties.get("provisioningState") if isinstance(properties, dict) else None
        status = body.get("status")
        return str((status if isinstance(status, str) else None) or nested or "")


@dataclass(frozen=True)
class Difference:
    """`what` is status, code, outcome, header or property."""

    scenario: str
    number: int
    request: str
    what: str
    azure: str
    sandbox: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def apart(azure: Answer, sandbox: Answer, writes: bool) -> Iterator[tuple[str, str, str]]:
    """What differs: (what, Azure's, the sandbox's)."""
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


def paths(value: Any, stem: str = "") -> Iterator[str]:
    """The dotted paths of a body; what is null or empty is as good as not there."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner not in (None, {}, [], ""):
                yield from paths(inner, f"{stem}.{key}" if stem else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{stem}[]")
    else:
        yield stem
