"""Journals, sessions, captures, states, descriptions and leases, broken anywhere, through all that
reads them."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES
from support.hostile import obeyed
from support.tui_support import GOLDEN

from amlwizard import durations
from amlwizard.app.playback import Playback
from amlwizard.capture.judging import RecordedAnswer
from amlwizard.cli.commands import compare, resume
from amlwizard.draft import Draft, DraftStore
from amlwizard.errors import InvalidInputError
from amlwizard.lease import holder
from amlwizard.lease.holder import this_process
from amlwizard.posture import Posture
from amlwizard.recipe import load
from amlwizard.report import page
from amlwizard.report.record import recorded
from amlwizard.sandbox.clock import Clock
from amlwizard.sandbox.state import State, StateFileError
from amlwizard.session import Session
from amlwizard.tui.pages import welcome
from fuzz.cloud import Cassette
from fuzz.ending import ended, folder
from fuzz.recipes import WHOLE
from fuzz.values import changed, odd

RECIPE = RECIPES / "quickstart.yaml"
RUN = "20260101-000000-abcdef"
CELLS = ("train", "register")
JOURNAL = [
    event
    for event in map(json.loads, GOLDEN.read_text().splitlines())
    if event["kind"] != "step-progress" or event["step"] in CELLS
]
SESSION = {"version": 1, **vars(Draft(WHOLE[0], page="training", visited=["names"], run=RUN, id="one", changed=1.0))}  # fmt: skip
STATE: Any = {
    "tenant": "t", "person": {"oid": "o"}, "subscriptions": {"s": {"name": "Sandbox"}}, "ports": {"arm|": 1},
    "resources": {"/subscriptions/s/resourcegroups/rg": {"id": "rg", "tags": {}}}, "taken": ["x"],
    "operations": {"o": {"resource": "r", "of": "r", "verb": "PUT", "started": 1.0, "seconds": 2.0}},
    "databricks": {"w": {"users": ["u"], "clusters": {"c": {}}, "scopes": {"s": {"k": "v"}}}},
    "limits": {"cores": 4}, "assigned": {"a": {"since": 1.0}}, "allowed": ["*"], "policies": [{}],
}  # fmt: skip
ARM = "https://management.azure.com"
THERE = (
    f"{ARM}/subscriptions/2222/providers/Microsoft.Network/locations/w/operations/o?api-version=1"
)
ID = "/subscriptions/2222/resourceGroups/rg/providers/Microsoft.Network/natGateways/n"


def exchange(method: str, url: str, status: int, answered: Any, **more: Any) -> Any:
    return {"method": method, "url": url, "status": status, "response_body": answered, **more}


DESCRIPTION = {
    "arm": "https://127.0.0.1:1", "authority": "https://127.0.0.1:1", "ca": str(RECIPE), "proxy": "",
    "resolver": "https://127.0.0.1:1/dns-query", "control": "https://127.0.0.1:1", "control_token": "t",
}  # fmt: skip
HOLDER = str(this_process(RUN, "replay", "ada@example.com", 60.0))
CAPTURE = [
    exchange("PUT", f"{ARM}{ID}?api-version=2025-05-01", 201, {"id": ID, "properties": {"workspaceUrl": "adb-1.net"}},
             request_body={"properties": {"x": [1]}}, response_headers={"azure-asyncoperation": THERE}, at=1.0),
    exchange("GET", THERE, 200, {"status": "Succeeded"}, at="2026-01-01T00:00:00Z"),
    exchange("GET", f"{ARM}{ID}?api-version=2025-05-01", 200, {"id": ID, "properties": {"tenantId": "t"}}),
    exchange("POST", "https://adb-1.net/api/2.1/clusters/create", 200, {"cluster_id": "c"}, scenario="s", seq=4),
    exchange("DELETE", f"{ARM}{ID}?api-version=2025-05-01", 404, {"error": {"code": "ResourceNotFound"}}),
]  # fmt: skip


# -- broken


@st.composite
def broken(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes of a file that a disk, an editor or another program spoiled."""
    at = draw(st.integers(0, len(content)))
    return draw(
        st.sampled_from((
            content[:at],
            content[:at] + bytes(range(256)) + content[at:],
            content[:at] + b"\0" * 8 + content[at + 8 :],
            content + content[at:],
            content[:at] + b"[" * 200_000,
            content.replace(b"\n", b"\r\n"),
            content.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + content,
            b"", b"null", b"7", b"[]", b"{}", b'"x"', b"\n" * 1000,
        ))
    )  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, lines: list[Any]) -> bytes:
    """Lines of JSON of which some are another, twice, elsewhere or missing; or hardly lines."""
    found = list(lines)
    for _ in range(draw(st.integers(1, 3))):
        at, to = draw(st.integers(0, len(found))), draw(st.integers(0, len(found)))
        match draw(st.sampled_from(("changed",) * 4 + ("moved", "from", "other"))):
            case "changed":
                found[at : at + 1] = [draw(changed(line)) for line in found[at : at + 1]]
            case "moved":
                found[to:to] = found[at : at + 1]
            case "from":
                found = found[at:]
            case "other":
                found[at : at + 1] = [draw(odd())]
    content = "".join(json.dumps(line) + "\n" for line in found).encode()
    return content if draw(st.integers(0, 2)) else draw(broken(content))


# -- through all that reads it


@given(spoiled(JOURNAL))
def any_journal(content: bytes) -> None:
    with folder() as home:
        path = home / "runs" / RUN / "journal.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        path.with_name("recipe.yaml").write_bytes(RECIPE.read_bytes())
        durations.recorded(home / "runs", "sandbox")
        page(Posture("r", "sandbox", 0.0, ()), load(RECIPE), recorded([path], "sandbox"))
        with patch.object(resume, "replay", lambda options: 0):
            # A run that has finished can be repeated, but only by its name.
            assert ended("resume").code in (ended("resume", RUN).code, 2)
        assert ended("demo", "--journal", str(path)).code == 2  # there is no terminal
        played(path)


def played(path: Path) -> None:
    try:
        playback = Playback.of(path, 0.0)
    except InvalidInputError:
        return
    shown: list[Any] = []
    playback.recall(RUN, shown.append)
    playback.outline(load(RECIPE))


@given(spoiled([SESSION]))
def any_session(content: bytes) -> None:
    with folder() as home:
        (home / "one.json").write_bytes(content)
        for found in DraftStore(home).unfinished():
            session = Session(DraftStore(home), found)
            session.dirty = True
            session.keep()
            assert DraftStore(home).unfinished()
            assert obeyed(welcome._name(found) + welcome._where(found, found.page, 0.0)) == []


@given(spoiled(CAPTURE))
def any_capture(content: bytes) -> None:
    with (
        folder() as home,
        patch.object(compare, "started", lambda *given: nullcontext({})),
        patch.object(compare, "Stage", lambda description: Nothing()),
    ):
        path = home / "capture.jsonl"
        path.write_bytes(content)
        for options in ((), ("--json",)):
            assert ended("sandbox", "compare", str(path), *options).code in (0, 1, 2)


class Nothing:
    """A `capture.replaying.Stage` that has nothing, and takes anything that is JSON."""

    subscription, tenant = "11111111-1111-1111-1111-111111111111", "t"

    def ask(self, method: str, where: str, body: Any, resource: str = "") -> RecordedAnswer:
        json.dumps(body)
        return RecordedAnswer(404, {}, {"error": {"code": "ResourceNotFound"}})

    def put_state(self, state: Any) -> None:
        json.dumps(state)

    def state(self) -> Any:
        return {"resources": {}}


@given(spoiled([STATE]))
def any_state(content: bytes) -> None:
    """Of the sandbox: taken whole, or refused with a sentence."""
    with folder() as home:
        file = home / "sandbox.json"
        file.write_bytes(content)
        said = ""
        try:
            State.open(home, file, Clock("instant", 1.0)).save()
        except StateFileError as refusal:
            said = str(refusal)
        assert obeyed(said) == [] and len(said) < 1000
        assert not said or file.read_bytes() == content


@given(spoiled([DESCRIPTION]))
def any_description(content: bytes) -> None:
    """Of a sandbox, by which a command finds it."""
    with folder() as home, Cassette().playing():
        file = home / "sandbox.json"
        file.write_bytes(content)
        with patch.dict(os.environ, AMLWIZARD_SANDBOX=str(file)):
            assert ended("preflight", str(RECIPE), "--target", "sandbox").code in (1, 2, 3)


@given(
    broken(HOLDER.encode()) | st.text().map(str.encode), st.sampled_from(range(HOLDER.count("|")))
)
def any_lease(content: bytes, at: int) -> None:
    """What a tag or a lock says of who holds a platform."""
    parts = HOLDER.split("|")
    for text in (
        content.decode(errors="replace"),
        "|".join((*parts[:at], "9" * 30, *parts[at + 1 :])),
    ):
        if found := holder.parse(text):
            assert holder.parse(str(found)) is not None
            assert obeyed(str(found.refusal("rg"))) == []
