"""Every file that we read, damaged in every way: a sentence and the way out, an exit code that says
failure, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.ending import ended, folder
from support import RECIPES, Ran, amlwizard

from amlwizard import durations
from amlwizard.cloud.auth_records import AuthRecords
from amlwizard.draft import Draft, DraftStore
from amlwizard.events import RunFinished, RunStarted, StepFinished, StepInfo, StepStarted
from amlwizard.journal import Journal

RECIPE = RECIPES / "quickstart.yaml"
DEEP = "[" * 100_000
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "not text": lambda content: b"\x00\xff\xfe\x80" * 20,
    "of another encoding": lambda content: content.decode().encode("utf-16"),
    "a list": lambda content: b"[1, 2]\n[1, 2]\n",
    "a number": lambda content: b"7\n7\n",
    "nothing": lambda content: b"null\nnull\n",
    "nested deeply": lambda content: f"{DEEP}\n{DEEP}\n".encode(),
    "of other types": lambda content: (
        b'{"version": {}, "kind": [], "arm": 7, "method": null}\n' * 2
    ),
}
every_way = pytest.mark.parametrize("way", WAYS)


def told(ran: Ran, code: int) -> str:
    """What a command said that failed as it should."""
    assert ran.code == code, ran.err or ran.out
    assert "Traceback" not in ran.err + ran.out
    assert "did not foresee" not in ran.err + ran.out
    return " ".join((ran.err + ran.out).split())


def damaged(path: Path, content: bytes, way: str) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WAYS[way](content))
    return path.read_bytes()


def session() -> bytes:
    return json.dumps({"version": 1, **Draft(answers={}, changed=1.0).__dict__}).encode()


def journal_of(path: Path) -> bytes:
    steps = (StepInfo("aks", "AKS", "provision"),)
    journal = Journal(path)
    for event in (
        RunStarted(seq=1, at=1.0, run="r", recipe="x", target="sandbox", steps=steps),
        StepStarted(seq=2, at=2.0, step="aks", action="create"),
        StepFinished(seq=3, at=9.0, step="aks", outcome="done"),
        RunFinished(seq=4, at=9.0, exit_code=0, counts={"done": 1}),
    ):
        journal(event)
    journal.close()
    return path.read_bytes()


@every_way
def test_a_recipe(tmp_path: Path, way: str) -> None:
    recipe = tmp_path / "recipe.yaml"
    content = damaged(recipe, RECIPE.read_bytes(), way)
    with folder():
        told(ended("check", str(recipe)), 2)
    assert recipe.read_bytes() == content


def planned(description: Path) -> Ran:
    """What a plan says of a sandbox that is described there."""
    with folder(AMLWIZARD_SANDBOX=str(description)):
        return ended("plan", str(RECIPE), "--target", "sandbox")


@every_way
def test_the_description_of_a_sandbox(tmp_path: Path, way: str) -> None:
    path = tmp_path / "sandbox.json"
    sound = b'{"arm": "https://127.0.0.1:1", "authority": "https://127.0.0.1:1", "ca": "x"}'
    damaged(path, sound, way)
    ran = planned(path)
    assert "does not describe a sandbox" in told(ran, 2)


@every_way
def test_the_authority_that_a_description_names(tmp_path: Path, way: str) -> None:
    path, authority = tmp_path / "sandbox.json", tmp_path / "ca.pem"
    damaged(authority, b"-----BEGIN CERTIFICATE-----\n", way)
    there = dict.fromkeys(("arm", "authority"), "https://127.0.0.1:1")
    path.write_text(json.dumps({**there, "ca": str(authority)}))
    ran = planned(path)
    assert f"names {authority} for certificates to trust" in told(ran, 2)


@every_way
def test_the_state_of_the_embedded_sandbox(tmp_path: Path, way: str) -> None:
    path = tmp_path / "sandbox" / "sandbox.json"
    content = damaged(path, b'{"tenant": "a", "person": {"oid": "b"}}', way)
    path.chmod(0o600)
    ran = amlwizard("plan", str(RECIPE), "--target", "sandbox", AMLWIZARD_HOME=str(tmp_path))
    said = told(ran, 1)
    assert "amlwizard sandbox --reset" in said
    assert "cannot read this state" in said
    assert path.read_bytes() == content


@every_way
def test_a_capture(tmp_path: Path, way: str) -> None:
    path = tmp_path / "capture.jsonl"
    sound = b'{"method": "GET", "url": "https://x/subscriptions", "status": 200}\n'
    damaged(path, sound, way)
    if way == "empty":
        return  # a capture without exchanges
    with folder():
        assert "is not a capture" in told(ended("sandbox", "compare", str(path)), 2)


@every_way
def test_a_kept_session(tmp_path: Path, way: str) -> None:
    store = DraftStore(tmp_path)
    content = damaged(tmp_path / "broken.json", session(), way)
    sound = Draft(answers={"names": {"prefix": "x"}})
    store.save(sound)
    assert [draft.id for draft in store.unfinished()] == [sound.id]
    assert (tmp_path / "broken.json").read_bytes() == content


@pytest.mark.parametrize(
    "change",
    [
        {"answers": []}, {"changed": "yesterday"}, {"target": "mars"}, {"page": 7},
        {"visited": "score"}, {"visited": [1]}, {"run": None}, {"saved": {}},
        {"id": "../elsewhere"}, {"version": 3}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_kept_session_whose_values_are_of_other_types(
    tmp_path: Path, change: dict[str, object]
) -> None:
    body = {**json.loads(session()), "id": "one", **change}
    (tmp_path / "one.json").write_text(json.dumps(body))
    assert DraftStore(tmp_path).unfinished() == []


@every_way
def test_recorded_durations(tmp_path: Path, way: str) -> None:
    path = tmp_path / "runs" / "20260101-000000-abcdef" / "journal.jsonl"
    path.parent.mkdir(parents=True)
    damaged(path, journal_of(path), way)
    journal_of(tmp_path / "runs" / "20260102-000000-abcdef" / "journal.jsonl")
    assert durations.recorded(tmp_path / "runs", "sandbox")["aks"][0] == 7.0


@pytest.mark.parametrize("value", ['"x"', "{}", "[]", "null"])
@pytest.mark.parametrize("key", ["at", "seq", "outcome", "outputs"])
def test_an_event_whose_values_are_of_other_types(tmp_path: Path, key: str, value: str) -> None:
    if (key, value) == ("outputs", "{}"):
        return
    path = tmp_path / "runs" / "20260101-000000-abcdef" / "journal.jsonl"
    path.parent.mkdir(parents=True)
    lines = journal_of(path).decode().splitlines()
    lines[2] = json.dumps({**json.loads(lines[2]), key: json.loads(value)})
    path.write_text("\n".join(lines))
    assert durations.recorded(tmp_path / "runs", "sandbox") == {}


@every_way
def test_the_record_of_a_sign_in(tmp_path: Path, way: str) -> None:
    class Records(AuthRecords):
        cache = "a store that encrypts"

    records = Records(tmp_path)
    damaged(records._file("contoso.com"), b'{"authority": "x", "version": "1.0"}', way)
    assert records.read("contoso.com") is None
