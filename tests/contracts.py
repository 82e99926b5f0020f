"""Microsoft's published API documents, where they lie beside the checkout, and their checker."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support import ROOT

VARIABLE = "AMLWIZARD_CONTRACTS"
FOLDER = Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "contracts")
HERE = (FOLDER / "contract_check.py").exists()
REASON = f"the API documents are neither at {FOLDER} nor where {VARIABLE} points"

Json = dict[str, Any]


@cache
def _module() -> Any:
    spec = importlib.util.spec_from_file_location("contract_check", FOLDER / "contract_check.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Waiver:
    """Findings of a `kind` on operations and at places that fit are as they should be."""

    kind: str
    reason: str
    operation: str = ".*"
    where: str = ".*"

    def fits(self, kind: str, operation: str, where: str) -> bool:
        return (
            kind == self.kind
            and re.fullmatch(self.operation, operation) is not None
            and re.fullmatch(self.where, where) is not None
        )


@dataclass
class Verdict:
    """What the checker says of a capture. Exchanges under a planted fault are left out."""

    exchanges: int = 0
    matched: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def unwaived(self, waivers: Iterable[Waiver]) -> list[str]:
        return [
            f"{kind} {operation} {where} ({times} times)"
            for (kind, operation, where), times in sorted(self.warnings.items())
            if not any(waiver.fits(kind, operation, where) for waiver in waivers)
        ]

    @property
    def summary(self) -> str:
        kinds: Counter[str] = Counter()
        for (kind, _, _), times in self.warnings.items():
            kinds[kind] += times
        named = ", ".join(f"{times} {kind}" for kind, times in sorted(kinds.items()))
        return (
            f"{self.exchanges} exchanges, {self.matched} matched, {len(self.errors)} errors, "
            f"{sum(kinds.values())} warnings ({named})"
        )


def check(capture: Path) -> Verdict:
    verdict, judge = Verdict(), _module().Checker()
    for line in capture.read_text().splitlines():
        exchange = json.loads(line)
        if exchange.get("fault"):
            continue
        said = judge.check(exchange)
        verdict.exchanges += 1
        verdict.matched += said["matched"]
        call = f"{said['method']} {said['path']} -> {said['status']}"
        for finding in said["findings"]:
            if finding.severity == "error":
                verdict.errors.append(f"{call}: {finding}")
            else:
                subject = said["operation"] or call
                where = re.sub(r"\[\d+\]", "[]", finding.where)
                verdict.warnings[finding.kind, subject, where] += 1
    return verdict


# -- published requests


@dataclass(frozen=True)
class Example:
    """A request that Microsoft publishes as a sample, with its placeholders filled by itself."""

    file: str
    operation: str
    method: str
    path: str
    query: Json
    body: Any

    def __str__(self) -> str:
        return f"{self.operation} of {self.file}"


def examples() -> Iterator[Example]:
    operations = _operations()
    index = json.loads((FOLDER / "examples" / "index.json").read_text())
    for entry in index["examples"]:
        sample = json.loads((FOLDER / entry["file"]).read_text()).get("parameters", {})
        for use in entry["uses"]:
            key = (use["provider"], use["api_version"], use["path"], use["method"])
            yield _filled(entry["file"], use, operations[key], sample)


def _operations() -> dict[tuple[str, ...], Json]:
    found = {}
    for file in (FOLDER / "specs" / "swagger").rglob("*.json"):
        document = json.loads(file.read_text())
        for path, item in document["paths"].items():
            for method, operation in item.items():
                found[document["provider"], document["apiVersion"], path, method] = operation
    return found


def _filled(file: str, use: Json, operation: Json, sample: Json) -> Example:
    path, query, body = use["path"].partition("?")[0], {"api-version": use["api_version"]}, None
    for parameter in operation["parameters"]:
        name, value = parameter["name"], sample.get(parameter["name"])
        if value is None or name.lower() == "api-version":
            continue
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(str(value).strip("/"), safe="/:"))
        elif parameter["in"] == "query":
            query[name] = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        elif parameter["in"] == "body":
            body = value
    path = "/" + re.sub("/+", "/", path).strip("/")
    short = file.removeprefix("examples/")
    return Example(short, use["operationId"], use["method"], path, query, body)
