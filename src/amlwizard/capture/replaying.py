"""Sends the requests of a capture to a sandbox, in order, and compares its answers with Azure's."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from amlwizard.capture.judging import ENDED, Difference, RecordedAnswer, differences_between
from amlwizard.capture.lines import Exchange
from amlwizard.capture.mapping import NameMapping
from amlwizard.json_types import Document, JsonValue, MutableDocument

WRITES = ("PUT", "PATCH", "DELETE", "POST")
GROUP = re.compile(r"(?i)^(/subscriptions/[^/]+/resourcegroups/[^/]+)")
RESOURCE = re.compile(r"(?i)/subscriptions/[^/\"]+/resourcegroups/[^/\"]+/providers/[^\"?\s]+")
NAMESPACE = re.compile(r"(?i)/providers/(microsoft\.\w+)")
OPERATION = re.compile(r"(?i)/locations/[^/]+/\w*operation\w*/")
NO_VERSION = "api-version=0000-00-00"  # redacted in some recordings
# Errors that pass by themselves: a capture does not show how long the client had waited before.
LATE = ("PrincipalNotFound", "LinkedAuthorizationFailed", "AuthorizationFailed")
RETRIES, RETRY_SECONDS = 20, 0.25
REGISTERING = 4  # reads, after which the sandbox has registered a namespace
GROUPS_API, POLLS = "2021-04-01", 60
ASIDE = {
    "entra": "sign-ins: their secrets are in no capture",
    "cells": "cells are not run again",
    "tracking": "tracking needs the runs of the cells",
    "scoring": "scoring needs the model",
    "names": "names are resolved by whoever asks",
    "other": "of no service that the sandbox has a door for",
}
WAITING = "polls while an operation went on"
NO_OPERATION = "polls of an operation that the capture did not begin, or the sandbox did not need"
NOT_KNOWN = "of a type, an action or an API version that the sandbox does not have"
PASSED = "refusals that passed by themselves, as a new role was seen"
NOT_SHOWN = "needs what the capture does not show, such as a model that cells registered"


class ReplayCloud(Protocol):
    """A sandbox with a client that is signed in. `ask` takes a full URL, or a path of Azure
    Resource Manager; `put_state` merges into the state, or replaces it by what is at the key ``""``."""

    subscription: str
    tenant: str

    def ask(
        self, method: str, where: str, body: JsonValue, resource: str = ""
    ) -> RecordedAnswer: ...

    def put_state(self, state: MutableDocument) -> None: ...

    def state(self) -> MutableDocument: ...


@dataclass
class Verdict:
    """`asked` counts the exchanges that were compared, `aside` those that were not, by reason."""

    asked: int = 0
    aside: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    durations: list[tuple[str, float, float | None]] = field(default_factory=list)


@dataclass
class RecordedOperation:
    """The operation that a write began: where it is polled, in the capture and in the sandbox.

    `lacks`: whether the write refers to something that the sandbox does not have.
    """

    line: Exchange
    theirs: set[str]
    ours: list[str]
    lacks: bool
    ended: RecordedAnswer | None = None

    @property
    def request(self) -> str:
        return f"{self.line.method} {self.line.path}"


class Replay:
    """One scenario. Resources that it refers to but did not create are put into the sandbox before
    the request that refers to them."""

    def __init__(self, stage: ReplayCloud, lines: Sequence[Exchange]) -> None:
        self.stage, self.lines = stage, lines
        self.names = NameMapping(stage.subscription, stage.tenant)
        self.operations: list[RecordedOperation] = []
        self.there: set[str] = set()
        self.made = {_key(e.path) for e in lines if e.method == "PUT" and e.status < 300}
        self.seen = {
            _key(e.path): e.answered
            for e in reversed(lines)
            if e.method == "GET" and e.status == 200 and isinstance(e.answered, dict)
        }
        self.passed = {(e.method, _bare(e.url)) for e in lines if e.status < 300}
        self.workspaces: dict[str, str] = {}

    def run(self, verdict: Verdict) -> None:
        """Replay the scenario, adding its results to `verdict`."""
        ended: list[tuple[RecordedOperation, float]] = []
        for line in self.lines:
            reason = self._aside(line)
            if reason:
                verdict.aside[reason] += 1
                continue
            self.names.meet(line.url, line.asked, line.answered)
            operation = self._polled(line)
            answer = self._poll(line, operation) if operation else self._request(line)
            if isinstance(answer, str):
                verdict.aside[answer] += 1
                continue
            verdict.asked += 1
            theirs = RecordedAnswer(
                line.status, line.headers, self.names.mapped_body(line.answered)
            )
            writes = line.method in WRITES and operation is None
            for what, azure, sandbox in differences_between(theirs, answer, writes):
                request = f"{line.method} {line.path}"
                verdict.differences.append(
                    Difference(line.scenario, line.number, request, what, azure, sandbox)
                )
            if operation and line.at and operation.line.at:
                ended.append((operation, line.at - operation.line.at))
        known = self.stage.state().get("operations", {}) if ended else {}
        for operation, seconds in ended:
            verdict.durations.append((operation.request, seconds, _simulated(operation, known)))

    def _aside(self, line: Exchange) -> str:
        """Why an exchange is not sent to the sandbox; empty if it is."""
        if line.service in ASIDE:
            return ASIDE[line.service]
        if line.status == 0 or line.status >= 500 or line.status in (401, 429):
            return "Azure's own faults, lost answers and refused tokens"
        if line.service == "databricks" and not self.names.host(line.host):
            return "of a Databricks workspace that the capture did not make or read"
        if NO_VERSION in line.query:
            return NOT_KNOWN
        if (line.method, _bare(line.url)) in self.passed and _refused_late(line):
            return PASSED
        return ""

    # -- requests

    def _request(self, line: Exchange) -> RecordedAnswer | str:
        """The sandbox's answer, or why it is not compared."""
        if OPERATION.search(line.path):
            return NO_OPERATION
        if self._waited(line):
            self._settle()
        self._create_prerequisites(line)
        answer = self._ask_until_seen(line)
        if answer.status == 501:
            self._follow(line)
            return NOT_KNOWN
        if line.status < 300 and 0 < answer.status < 300:
            self.names.learn(line.answered, answer.body)
            self._note_workspace(line, answer)
        if line.method in WRITES and line.status < 300:
            operation = self._began(line, answer)
            if answer.status >= 400:
                self._follow(line)
                if operation.lacks:
                    return NOT_SHOWN
        if line.method == "PUT" and answer.status < 300:
            self.there.add(_key(self.names.mapped(line.path)))
        return answer

    def _ask_until_seen(self, line: Exchange) -> RecordedAnswer:
        answer = self._ask(line)
        for _ in range(RETRIES):
            if line.status >= 300 or answer.code not in LATE:
                break
            time.sleep(RETRY_SECONDS)
            answer = self._ask(line)
        return answer

    def _began(self, line: Exchange, answer: RecordedAnswer) -> RecordedOperation:
        headers = ("azure-asyncoperation", "location")
        theirs = {_bare(line.headers[k]) for k in headers if k in line.headers}
        # Managed Identity returns the resource itself as Location: reading it is not a poll.
        theirs.discard(_bare(line.url))
        ours = [answer.headers[k] for k in headers if k in answer.headers]
        if not ours and answer.status < 300 and answer.state not in ("", *ENDED):
            ours = [f"{self.names.mapped(line.path)}?{line.query}"]  # the resource has the state
        operation = RecordedOperation(line, theirs, ours, self._lacks(line))
        self.operations.append(operation)
        return operation

    def _lacks(self, line: Exchange) -> bool:
        """Whether the sandbox lacks both a resource that a write refers to and its parent."""
        named = {_key(found) for found in _ids(self.names.mapped_body(line.asked))}
        there = self.stage.state()["resources"] if named else {}
        return any(one not in there and one.rsplit("/", 2)[0] not in there for one in named)

    def _follow(self, line: Exchange) -> None:
        """Put the sandbox into Azure's state, so that a difference counts once, at its cause."""
        key = _key(self.names.mapped(line.path))
        if line.method == "DELETE":
            whole = self.stage.state()
            for resource in [k for k in whole["resources"] if f"{k}/".startswith(f"{key}/")]:
                del whole["resources"][resource]
            self.stage.put_state({"": whole})
        elif line.method == "PUT" and "/providers/" in key and isinstance(line.answered, dict):
            made = self.names.mapped_body(line.answered)
            properties = made.get("properties") if isinstance(made, dict) else None
            if isinstance(properties, dict):
                properties["provisioningState"] = "Succeeded"
            self.there.add(key)
            self.stage.put_state({"resources": {key: made}})

    def _waited(self, line: Exchange) -> bool:
        """Whether Azure's operations in progress had ended by then, as far as a capture shows."""
        if line.method in WRITES:
            return line.status != 409
        return RecordedAnswer(line.status, line.headers, line.answered).state in ("", *ENDED)

    def _ask(self, line: Exchange) -> RecordedAnswer:
        query = f"?{line.query}" if line.query else ""
        where = self.names.mapped(line.path) + self.names.mapped(query)
        resource = ""
        if line.service == "databricks":
            where = f"https://{self.names.host(line.host)}{where}"
            resource = self.workspaces.get(line.host, "")
        return self.stage.ask(line.method, where, self.names.mapped_body(line.asked), resource)

    def _note_workspace(self, line: Exchange, answer: RecordedAnswer) -> None:
        """Remember which Databricks workspace a host serves: requests to it must state its id."""
        for theirs, ours in _pairs(line.answered, answer.body):
            host = theirs.get("properties", {}).get("workspaceUrl")
            if host:
                self.workspaces[str(host).lower()] = str(ours.get("id", ""))

    # -- operations

    def _polled(self, line: Exchange) -> RecordedOperation | None:
        if line.method != "GET":
            return None
        bare = _bare(line.url)
        return next((o for o in reversed(self.operations) if bare in o.theirs), None)

    def _poll(self, line: Exchange, operation: RecordedOperation) -> RecordedAnswer | str:
        """The final answer of the sandbox's operation, if the capture shows that of Azure's."""
        recorded = RecordedAnswer(line.status, line.headers, line.answered)
        if recorded.status == 202 or (recorded.state and recorded.state not in ENDED):
            return WAITING
        answer = self._end(operation, line.url) if operation.ours else None
        if answer is None:
            return NO_OPERATION
        return NOT_SHOWN if answer.state == "Failed" and operation.lacks else answer

    def _end(self, operation: RecordedOperation, url: str = "") -> RecordedAnswer | None:
        by_result = "operationresult" in url.lower() and len(operation.ours) > 1
        where = operation.ours[1 if by_result else 0]
        for _ in range(POLLS):
            answer = self.stage.ask("GET", where, None)
            going = answer.status == 202 or (answer.state and answer.state not in ENDED)
            if not going:
                if (
                    operation.ended is None
                    and answer.state == "Failed"
                    and self._went_well(operation)
                ):
                    self._follow(operation.line)
                operation.ended = answer
                return answer
        return None

    def _went_well(self, operation: RecordedOperation) -> bool:
        """Whether no poll in the capture shows a failure."""
        polls = [e for e in self.lines if e.method == "GET" and _bare(e.url) in operation.theirs]
        return all(
            RecordedAnswer(e.status, {}, e.answered).state not in ("Failed", "Canceled")
            for e in polls
        )

    def _settle(self) -> None:
        for operation in self.operations:
            if operation.ours and operation.ended is None:
                self._end(operation)

    # -- preparation

    def _create_prerequisites(self, line: Exchange) -> None:
        """Create what the request needs and the capture did not create."""
        path = self.names.mapped(line.path)
        group = GROUP.match(path)
        if line.status >= 400 or line.service != "arm":
            return
        if group and _key(group[1]) not in self.there:
            self.there.add(_key(group[1]))
            if not (line.method == "PUT" and _key(path) == _key(group[1])):
                self.stage.ask(
                    "PUT", f"{group[1]}?api-version={GROUPS_API}", {"location": self._region()}
                )
        named = _ids(line.asked)
        if line.method in ("GET", "PATCH", "DELETE", "POST") and line.status != 204:
            named.add(line.path)
        for resource in named:
            self._plant(resource)

    def _plant(self, theirs: str) -> None:
        key = _key(self.names.mapped(theirs))
        sample = self.seen.get(_key(theirs))
        is_one = "/providers/" in key and str((sample or {}).get("id", "")).lower() == _key(theirs)
        if key in self.there or _key(theirs) in self.made or not is_one:
            return
        self.there.add(key)
        self.stage.put_state({"resources": {key: self.names.mapped_body(sample)}})

    def _region(self) -> str:
        for line in self.lines:
            for body in (line.asked, line.answered):
                where = body.get("location") if isinstance(body, dict) else None
                if isinstance(where, str) and where != "global":
                    return self.names.mapped(where)
        return "westeurope"


def replay(stage: ReplayCloud, scenarios: Sequence[Sequence[Exchange]]) -> Verdict:
    """Replay every scenario, each from the current state of the sandbox."""
    _register(stage, scenarios)
    verdict, start = Verdict(), stage.state()
    for lines in scenarios:
        stage.put_state({"": start})
        Replay(stage, lines).run(verdict)
    return verdict


def _register(stage: ReplayCloud, scenarios: Sequence[Sequence[Exchange]]) -> None:
    """Register every namespace in the captures and wait until that is done: they have no polls for the
    sandbox's registrations."""
    used = {ns for lines in scenarios for e in lines for ns in NAMESPACE.findall(e.path)}
    for namespace in {ns.lower(): ns for ns in used}.values():
        path = f"/subscriptions/{stage.subscription}/providers/{namespace}"
        stage.ask("POST", f"{path}/register?api-version={GROUPS_API}", None)
        for _ in range(REGISTERING):
            stage.ask("GET", f"{path}?api-version={GROUPS_API}", None)


def _simulated(operation: RecordedOperation, known: Document) -> float | None:
    """How long an operation takes in the sandbox on its real clock, in seconds; `known` are the
    operations of its state."""
    for where in operation.ours:
        found = known.get(_bare(where).rpartition("/")[2])
        if found:
            return float(found["seconds"])
    return None


def _refused_late(line: Exchange) -> bool:
    return line.status >= 400 and RecordedAnswer(line.status, {}, line.answered).code in LATE


def _ids(body: JsonValue) -> set[str]:
    """The ids of resources in a body."""
    return {found.rstrip("/") for found in RESOURCE.findall(json.dumps(body))}


def _key(path: str) -> str:
    return path.rstrip("/").lower()


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".lower()


def _pairs(theirs: JsonValue, ours: JsonValue) -> Iterator[tuple[Document, Document]]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if isinstance(theirs.get("properties"), dict):
            yield theirs, ours
        yield from _pairs(theirs.get("value"), ours.get("value"))
    elif isinstance(theirs, list) and isinstance(ours, list):
        for one, other in zip(theirs, ours, strict=False):
            yield from _pairs(one, other)
