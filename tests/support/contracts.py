"""Microsoft's published API documents, if they are beside the checkout, and their checker."""

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
from threading import Event
from typing import Any
from urllib.parse import quote

from amlwizard.plan import Resource, Step
from amlwizard.plan.placeholders import resolve
from amlwizard.steps import steps_for
from support import ROOT, Json, Sandbox, recipe_of

VARIABLE = "AMLWIZARD_CONTRACTS"
FOLDER = Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "contracts")
HERE = (FOLDER / "contract_check.py").exists()
REASON = f"the API documents are neither at {FOLDER} nor where {VARIABLE} points"


@cache
def _checker() -> Any:
    spec = importlib.util.spec_from_file_location("contract_check", FOLDER / "contract_check.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Checker()


@dataclass(frozen=True)
class Waiver:
    """Accepts findings of a `kind` whose operation and place match these patterns."""

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
    """The checker's findings on a capture. Exchanges with a planted fault are skipped."""

    exchanges: int = 0
    matched: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def unwaived(self, waivers: Iterable[Waiver]) -> list[str]:
        """The warnings that no waiver accepts, one text each."""
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
    return judged(json.loads(line) for line in capture.read_text().splitlines())


def _repeats(exchange: Json, seen: set[str]) -> bool:
    """Whether the same was read with the same answer before: two of three are polls."""
    told = json.dumps([exchange[name] for name in ("method", "url", "status", "response_body")])
    before = told in seen
    seen.add(told)
    return before and exchange["method"] == "GET"


def judged(exchanges: Iterable[Json], side: str = "") -> Verdict:
    """Check exchanges; `side` limits the findings to those on the request or the response."""
    verdict, judge = Verdict(), _checker()
    seen: set[str] = set()
    judge.polls = {}  # operations of earlier captures are not part of this one
    for exchange in exchanges:
        if exchange.get("fault") or _repeats(exchange, seen):
            continue
        said = judge.check(exchange)
        verdict.exchanges += 1
        verdict.matched += said["matched"]
        call = f"{said['method']} {said['path']} -> {said['status']}"
        for finding in said["findings"]:
            if not finding.where.startswith(side):
                continue
            if finding.severity == "error":
                verdict.errors.append(f"{call}: {finding}")
            else:
                subject = said["operation"] or call
                where = re.sub(r"\[\d+\]", "[]", finding.where)
                verdict.warnings[finding.kind, subject, where] += 1
    return verdict


# -- registering and serving a model without training one first


def serve(recipe: str, there: Sandbox) -> None:
    """Create an endpoint with a deployment that gets all its traffic."""
    arm, steps, outputs = _ready(recipe, there)

    def put(step: str) -> None:
        resource = _resource(steps[step])
        address, body = resolve(resource.id, outputs), resolve(resource.body, outputs)
        arm.put(address, resource.api_version, body, lambda *_, **__: None, Event())

    put("endpoint")
    deployment = _resource(steps["deployment"])
    address, body = resolve(deployment.id, outputs), resolve(deployment.body, outputs)
    kind = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
    body.update(id=address, name=address.rpartition("/")[2], type=kind)
    body["properties"]["provisioningState"] = "Succeeded"
    there.change(resources={address.lower(): body})
    put("traffic")


def register(recipe: str, there: Sandbox) -> None:
    """Create a model with a version through ARM."""
    arm, _, outputs = _ready(recipe, there)
    version = outputs["register"]["model_id"]
    arm.send("PUT", version.partition("/versions/")[0], "2025-09-01", {"properties": {}})
    uri = {"modelUri": "azureml://datastores/workspaceblobstore/paths/model"}
    arm.send("PUT", version, "2025-09-01", {"properties": uri})


def script(recipe: str, there: Sandbox) -> None:
    """Create an environment with a version through ARM, and code as if its files were uploaded."""
    arm, steps, outputs = _ready(recipe, there)
    workspace = resolve(_resource(steps["workspace"]).id, outputs)
    image = {"image": "docker.io/tensorflow/serving:latest"}
    arm.send("PUT", f"{workspace}/environments/e/versions/1", "2025-09-01", {"properties": image})
    kind = "Microsoft.MachineLearningServices/workspaces/codes"
    code, version = f"{workspace}/codes/c", f"{workspace}/codes/c/versions/1"
    properties = {"provisioningState": "Succeeded"}
    uri = {"codeUri": "https://stmlquick01.blob.core.windows.net/code/src", **properties}
    there.change(
        resources={
            code.lower(): {"id": code, "name": "c", "type": kind, "properties": properties},
            version.lower(): {
                "id": version, "name": "1", "type": f"{kind}/versions", "properties": uri,
            },
        }
    )  # fmt: skip


def _ready(recipe: str, there: Sandbox) -> tuple[Any, dict[str, Step], Json]:
    arm = there.cloud().arm
    steps = {step.id: step for step in steps_for(recipe_of(recipe))}
    outputs: Json = {"sign-in": {"subscription": arm.subscription}}
    workspace = resolve(_resource(steps["workspace"]).id, outputs)
    outputs["kubernetes-compute"] = {"id": f"{workspace}/computes/aks-inference"}
    outputs["register"] = {"model_id": f"{workspace}/models/diabetes-ridge/versions/1"}
    outputs["rollout"] = outputs["register"]
    return arm, steps, outputs


def _resource(step: Step) -> Resource:
    assert step.resource
    return step.resource


# -- published requests


@dataclass(frozen=True)
class Example:
    """A request that Microsoft publishes as a sample, with its placeholders filled in from the
    sample."""

    file: str
    operation: str
    method: str
    path: str
    query: Json
    body: Any

    def __str__(self) -> str:
        return f"{self.operation} of {self.file}"


def examples() -> Iterator[Example]:
    """Every use of a published sample, for the operation and api-version that it belongs to."""
    operations = _operations()
    index = json.loads((FOLDER / "examples" / "index.json").read_text())
    for entry in index["examples"]:
        sample = json.loads((FOLDER / entry["file"]).read_text()).get("parameters", {})
        for use in entry["uses"]:
            key = (use["provider"], use["api_version"], use["path"], use["method"])
            yield _filled(entry["file"], use, operations[key], sample)


def _operations() -> dict[tuple[str, ...], Json]:
    found: dict[tuple[str, ...], Json] = {}
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
