"""Answers that are not of the form that their service documents: told as such, and no bug of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fuzz.cloud import Cassette, Said
from support.hostile import HOSTILE, obeyed

from amlwizard import engine
from amlwizard.capture.recording import Recorder
from amlwizard.cloud.execution import _marked
from amlwizard.cloud.profile import CloudProfile, from_description
from amlwizard.cloud.wire import client, session
from amlwizard.errors import CloudError, InvalidInputError, StepError
from amlwizard.events import Event, StepFinished
from amlwizard.json_types import DEEPEST, TooDeepError, is_too_deep, parsed
from amlwizard.lease import holder
from amlwizard.lease.local_lock import LocalLock
from amlwizard.plan import Step
from amlwizard.sandbox.capture import Capture

NOTHING: Any = None  # the steps here look at no recipe and at no cloud
JOB = engine.Job(NOTHING, "r", NOTHING, "nowhere")
HERE = CloudProfile("here", arm="https://127.0.0.1:1", authority="https://127.0.0.1:2")
URL = "https://127.0.0.1:1/deep"
ODD: list[Any] = [None, [], "text", {"properties": None}, {"properties": {"size": "1e999"}}]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path / "home"))


def read_of(answer: Any) -> Any:
    return int(float(answer["properties"]["size"]))


@pytest.mark.parametrize("answer", ODD, ids=str)
def test_a_run_says_that_an_answer_cannot_be_read(answer: Any) -> None:
    events: list[Event] = []
    step = Step("vnet", "Network", "provision", (), lambda ctx: read_of(answer), NOTHING)
    assert engine.run([step], JOB, events.append) == 1
    end = next(event for event in events if isinstance(event, StepFinished))
    assert end.what == "Network: an answer cannot be read."
    assert "foresee" not in end.why and "amlwizard.log" in end.fix


@pytest.mark.parametrize("answer", ODD, ids=str)
def test_a_plan_says_that_an_answer_cannot_be_read(answer: Any) -> None:
    step = Step("vnet", "Network", "provision", (), lambda ctx: read_of(answer), NOTHING)
    with pytest.raises(CloudError, match=r"Network: an answer cannot be read\."):
        engine.survey([step], JOB, lambda event: None)


def test_all_of_a_huge_answer_is_not_told() -> None:
    def read(ctx: Any) -> Any:
        raise KeyError("x" * 1_000_000)

    with pytest.raises(CloudError) as error:
        engine.survey([Step("a", "A", "provision", (), read, NOTHING)], JOB, lambda event: None)
    assert len(str(error.value)) < 1000


# -- nested without end


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 500 + "]" * 500, '{"a":' * 200 + "1" + "}" * 200]
)
def test_what_is_nested_without_end_is_no_value(text: str) -> None:
    with pytest.raises(TooDeepError):
        parsed(text)
    assert is_too_deep(text.encode())


def test_what_is_nested_as_ours_is_a_value() -> None:
    deep = "[" * DEEPEST + "]" * DEEPEST
    assert parsed(deep) == json.loads(deep)
    assert not is_too_deep(deep.encode()) and not is_too_deep(b"[]" * 1000)


def test_no_sdk_gets_an_answer_that_is_nested_without_end() -> None:
    """Each of them would end in a RecursionError."""
    import httpx
    import requests

    deep = Said(200, (("content-type", "application/json"),), b"[" * 100_000)
    with Cassette(tracks={f"GET {URL}": [deep]}).playing():
        with pytest.raises(requests.ConnectionError, match="nested"):
            session(HERE).get(URL)
        with client(HERE, 1) as asking, pytest.raises(httpx.TransportError, match="nested"):
            asking.get(URL)


@pytest.mark.parametrize("text", ["7", "[1]", "[" * 5000, "{", '"x"'])
def test_a_cell_whose_result_is_none_is_told(text: str) -> None:
    from amlwizard.cloud.execution import MARK

    with pytest.raises(StepError, match="cannot be read"):
        _marked(1, f"{MARK}{text}")


# -- files


def answered(path: Path, *bodies: bytes) -> list[Any]:
    """The lines of a capture of these answers."""
    recorder = Recorder(path, lambda text: text)
    for body in bodies:
        headers = {"content-type": "application/json", "location": "https://x/\x9b\u2028"}
        recorder.exchange(
            "GET", "https://x/\x9b\u2028", (body, ""), 200, headers, body, at=1.0, seconds=0.1
        )
    recorder.finish()
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def test_a_capture_is_text(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    bodies = [
        json.dumps({"x": HOSTILE, HOSTILE: 1}, ensure_ascii=ascii).encode()
        for ascii in (True, False)
    ]
    lines = answered(
        path, *bodies, b'{"x": "\\ud800"}', b"[" * 100_000, f"<p>{HOSTILE}".encode(), b"\xff\x9b"
    )
    assert len(lines) == 6
    assert obeyed(path.read_text()) == []


def test_a_capture_of_the_sandbox_is_text(tmp_path: Path) -> None:
    odd = b"\xff\x9b" + HOSTILE.encode()
    scope = {"method": "POST", "path": "/x\x9b", "query_string": odd, "headers": [(b"host", odd)]}
    capture = Capture(tmp_path / "capture.jsonl")
    for body in (odd, b"[" * 100_000, json.dumps(HOSTILE).encode()):
        capture.record(scope, body, 200, [(odd, odd)], body)
    text = (tmp_path / "capture.jsonl").read_text(encoding="ascii")
    assert obeyed(text) == [] and len(text.splitlines()) == 3


def test_a_capture_is_its_owners_even_where_a_file_was(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text("")
    path.chmod(0o666)
    answered(path, b"{}")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


SOUND = {"arm": "https://127.0.0.1:1", "authority": "https://127.0.0.1:1", "ca": "x"}


@pytest.mark.parametrize("value", [7, None, [], {}, True, "https://["], ids=str)
@pytest.mark.parametrize("key", ["arm", "authority", "resolver", "proxy"])
def test_a_description_whose_values_are_of_other_types(
    tmp_path: Path, key: str, value: Any
) -> None:
    path = tmp_path / "sandbox.json"
    path.write_text(json.dumps({**SOUND, key: value}))
    if not value and key in ("resolver", "proxy"):
        return  # as if it were left out
    with pytest.raises(InvalidInputError, match="does not describe a sandbox"):
        from_description(path)


@pytest.mark.parametrize("time", ["9" * 30, "-" + "9" * 30, "1e3", ""])
def test_a_lease_of_no_time_is_none(time: str) -> None:
    sound = str(holder.this_process("r", "replay", "a", 60.0)).split("|")
    assert holder.parse("|".join(sound))
    assert holder.parse("|".join([*sound[:-2], time, sound[-1]])) is None
    assert holder.parse("|".join([*sound[:-1], time])) is None


def test_no_subscription_leads_out_of_the_folder_of_locks(tmp_path: Path) -> None:
    lock = LocalLock("../../../elsewhere", "rg")
    lock.acquire(holder.this_process("r", "replay", "a", 60.0))
    lock.release()
    kept = tmp_path / "home" / "locks"
    assert {path.parent for path in tmp_path.rglob("*elsewhere*")} == {kept}
