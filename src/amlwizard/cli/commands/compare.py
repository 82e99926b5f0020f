"""The compare command: Azure's responses in a capture, beside those of the sandbox."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from threading import Event as CancelEvent

import httpx

from amlwizard.app.targets import started
from amlwizard.capture.judging import RecordedAnswer
from amlwizard.capture.lines import read
from amlwizard.capture.replaying import Verdict, replay
from amlwizard.cli.options import CompareOptions
from amlwizard.cloud import Cloud, from_description
from amlwizard.cloud.wire import client
from amlwizard.json_types import Document, JsonObject, JsonValue, MutableDocument
from amlwizard.plain_text import plain
from amlwizard.recipe import SignIn

TIMEOUT_SECONDS = 60
PLACES = 3  # named for each difference
SLOWER = 2  # factor: durations that differ by more are reported


class Unasked:
    """A prompt without a user: the sandbox approves every sign-in by itself."""

    def __call__(self, url: str, user_code: str, expires_at: float) -> None: ...

    def done(self, account: str) -> None: ...


class Stage:
    """A sandbox started for the comparison, with the interface that `capture.replaying` uses."""

    def __init__(self, description: Document) -> None:
        self.description = description
        profile = from_description(Path(description["description"]))
        self._cloud = Cloud(profile, attended=True, played=True)
        account = self._cloud.sign_in(SignIn(), Unasked(), CancelEvent())
        self.subscription, self.tenant = account.subscription, account.tenant
        self._client = client(profile, TIMEOUT_SECONDS)

    def ask(self, method: str, where: str, body: JsonValue, resource: str = "") -> RecordedAnswer:
        """The sandbox's response; status 0 if it did not respond."""
        databricks = "/api/2." in where
        token = self._cloud.access_token("databricks" if databricks else "arm").reveal()
        headers = {"Authorization": f"Bearer {token}"}
        if resource:
            headers["X-Databricks-Azure-Workspace-Resource-Id"] = resource
        url = where if "//" in where else f"{self.description['arm']}{where}"
        try:
            got = self._client.request(method, url.replace(" ", "%20"), json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):  # or the URL cannot be requested
            return RecordedAnswer(0, {}, None)
        try:
            said = got.json() if got.content else None
        except ValueError:
            said = got.text
        return RecordedAnswer(got.status_code, {k.lower(): v for k, v in got.headers.items()}, said)

    def put_state(self, state: MutableDocument) -> None:
        """Merge part of a state into the sandbox's; under the empty key, replace all of it."""
        whole = state.get("")
        self._control("PUT" if whole else "POST", whole or state)

    def state(self) -> MutableDocument:
        return self._control("GET", None)

    def _control(self, method: str, body: JsonValue) -> MutableDocument:
        answer = self._client.request(
            method,
            f"{self.description['control']}/state",
            json=body,
            headers={"Authorization": f"Bearer {self.description['control_token']}"},
        )
        said: MutableDocument = answer.raise_for_status().json()
        return said


def compare(given: CompareOptions) -> int:
    """Return 0 if the sandbox responds as Azure did, otherwise 1."""
    logging.getLogger().addHandler(logging.NullHandler())  # else Python prints what the SDKs log
    scenarios = read(map(Path, given.captures))
    with started(["--clock", "polls", "--approve"], None) as description:
        verdict = replay(Stage(description), scenarios)
    if given.json:
        print(json.dumps(as_json(verdict), indent=1))
    else:
        show(verdict)
    return 1 if verdict.differences else 0


def as_json(verdict: Verdict) -> JsonObject:
    return {
        "compared": verdict.asked,
        "aside": dict(verdict.aside),
        "differences": [difference.to_json() for difference in verdict.differences],
        "durations": [
            {"request": request, "azure": azure, "sandbox": sandbox}
            for request, azure, sandbox in verdict.durations
        ],
    }


def show(verdict: Verdict) -> None:
    """Print what was compared, what was left aside (most frequent first), and what differs."""
    print(f"{verdict.asked} exchanges compared with the sandbox")
    for reason, count in verdict.aside.most_common():
        print(f"{count:6} left aside: {plain(reason)}")
    kinds = Counter(difference.what for difference in verdict.differences)
    print("; ".join(f"{count} of {what}" for what, count in kinds.items()) or "no difference")
    places: dict[tuple[str, str, str, str], list[str]] = {}
    for d in verdict.differences:
        text = (d.what, f"{d.request.split()[0]} {kind_of(d.request)}", d.azure, d.sandbox)
        places.setdefault(text, []).append(f"{d.scenario}#{d.number}")
    for (what, request, azure, sandbox), found in sorted(places.items()):
        more = f" and {len(found) - PLACES} more" if len(found) > PLACES else ""
        print(f"{what}  {request}: {azure}; sandbox: {sandbox}")
        print(f"    {', '.join(found[:PLACES])}{more}")
    for request, took, simulated in verdict.durations:
        if simulated is not None and not took / SLOWER <= simulated <= max(took, 1) * SLOWER:
            print(f"duration  {plain(request)}: {took:.0f} s; sandbox: {simulated:.0f} s")


def kind_of(request: str) -> str:
    """The type of the requested resource, without any names: an ARM type, or the path."""
    path = request.partition(" ")[2]
    _, found, tail = path.rpartition("/providers/")
    parts = tail.split("/")
    if found:
        return "/".join([parts[0], *parts[1::2]])
    return "resourceGroups" if "/resourcegroups/" in path.lower() else path
