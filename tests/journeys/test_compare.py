"""`amlwizard sandbox compare`: the requests of a capture, put to a sandbox, and where it answers
otherwise than the cloud that was captured."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import ROOT, Asked, Ran, amlwizard, running

from amlwizard.capture.recording import Recorder
from amlwizard.cloud import Cloud, from_description
from amlwizard.recipe import SignIn

pytestmark = pytest.mark.xdist_group("recorder")

RECORDINGS = ROOT.parent / "shared" / "recordings" / "data"
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """What the client recorded of a little work on a cloud; its names and ids are stand-ins."""
    path = tmp_path_factory.mktemp("session") / "capture.jsonl"
    with pytest.MonkeyPatch.context() as patch:  # one salt in 256 makes 10.61 of 10.61
        patch.setattr("secrets.token_bytes", lambda count: b"a known salt".ljust(count))
        recorder = Recorder(path, lambda text: text)
    with running("--approve", "--clock", "polls") as one:
        profile = replace(from_description(one.file), recorder=recorder)
        cloud = Cloud(profile, attended=True)
        cloud.sign_in(SignIn(), Asked(), CancelEvent())
        arm, say, never = cloud.arm, lambda *_: None, CancelEvent()
        arm.register(["Microsoft.Network"], say, never)
        group = f"/subscriptions/{arm.subscription}/resourceGroups/rg-compared"
        stem = f"{group}/providers/Microsoft.Network"
        where = {"location": "westeurope"}
        arm.put(group, "2025-04-01", where, say, never)
        nsg = f"{stem}/networkSecurityGroups/nsg-compared"
        arm.put(nsg, "2025-05-01", where, say, never)
        vnet = {
            "addressSpace": {"addressPrefixes": ["10.61.0.0/16"]},
            "subnets": [
                {
                    "name": "snet-compared",
                    "properties": {
                        "addressPrefix": "10.61.4.0/24",
                        "networkSecurityGroup": {"id": nsg},
                    },
                }
            ],
        }
        arm.put(f"{stem}/virtualNetworks/vnet-compared", "2025-05-01",
                {**where, "properties": vnet}, say, never)  # fmt: skip
        assert arm.get(f"{stem}/virtualNetworks/none-such", "2025-05-01") is None
        arm.delete(f"{stem}/virtualNetworks/vnet-compared", "2025-05-01", say, never)
    recorder.finish()
    text = path.read_text()
    assert "compared" not in text and "10.61." not in text
    return [json.loads(line) for line in text.splitlines()]


def compared(lines: Lines, tmp_path: Path) -> tuple[int, dict[str, Any]]:
    file = tmp_path / "capture.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = amlwizard("sandbox", "compare", str(file), "--json")
    assert ran.err == ""
    return ran.code, json.loads(ran.out)


def test_a_cloud_that_answers_as_the_sandbox_shows_no_difference(
    session: Lines, tmp_path: Path
) -> None:
    code, said = compared(session, tmp_path)
    assert said["differences"] == [] and code == 0
    assert said["compared"] >= 12
    assert any("sign-ins" in reason for reason in said["aside"])
    assert all(d["sandbox"] is not None for d in said["durations"]) and said["durations"]


def test_what_azure_answered_otherwise_is_listed(session: Lines, tmp_path: Path) -> None:
    lines: Lines = json.loads(json.dumps(session))
    puts = [e for e in lines if e["method"] == "PUT" and "virtualNetworks" in e["url"]]
    missing = next(e for e in lines if e["status"] == 404)
    puts[0]["response_body"]["properties"]["azuresOwn"] = {"new": True}
    puts[0]["response_headers"].pop("azure-asyncoperation", None)
    puts[0]["response_headers"]["location"] = "https://management.azure.com/subscriptions/x/y"
    missing["response_body"]["error"]["code"] = "NotFound"
    groups = [e for e in lines if e["method"] == "PUT" and "/providers/" not in e["url"]]
    groups[0]["status"] = 200
    code, said = compared(lines, tmp_path)
    found = {(d["what"], d["azure"]) for d in said["differences"]}
    assert code == 1
    assert ("property", "properties.azuresOwn.new") in found
    assert ("header", "Location") in found
    assert ("code", "NotFound") in found
    assert ("status", "200") in found


def test_a_comparison_is_printed_for_people_too(session: Lines, tmp_path: Path) -> None:
    lines: Lines = json.loads(json.dumps(session))
    next(e for e in lines if e["status"] == 404)["response_body"]["error"]["code"] = "NotFound"
    file = tmp_path / "capture.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = amlwizard("sandbox", "compare", str(file))
    assert ran.code == 1 and "1 of code" in ran.out
    assert "code  GET Microsoft.Network/virtualNetworks: NotFound; sandbox: Resource" in ran.out


def test_what_is_no_capture_is_refused(command: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no JSON\n")
    for name in ("x", "none-such"):
        ran = command("sandbox", "compare", str(tmp_path / name))
        assert ran.code == 2 and "is not a capture" in ran.err


@pytest.mark.recordings
def test_the_recordings_of_others_are_read_by_the_same_judge() -> None:
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not beside the checkout")
    ran = amlwizard("sandbox", "compare", *map(str, sorted(RECORDINGS.glob("*.jsonl"))), "--json")
    said = json.loads(ran.out)
    assert ran.err == "" and said["compared"] > 1200
    # Most that is left is what Azure offered then and has retired since.
    wrong = [d for d in said["differences"] if d["what"] in ("status", "outcome")]
    assert len(wrong) <= said["compared"] * 0.07, wrong


def test_what_follows_from_a_difference_is_no_difference(session: Lines, tmp_path: Path) -> None:
    """What the cloud made and the sandbox refused is there for the requests that come after."""
    lines: Lines = json.loads(json.dumps(session))
    for line in lines:  # an address that the sandbox refuses
        if isinstance(line["request_body"], dict) and "virtualNetworks" in line["url"]:
            line["request_body"]["properties"]["addressSpace"]["addressPrefixes"] = ["not-one"]
    code, said = compared(lines, tmp_path)
    assert code == 1
    assert [(d["what"], d["azure"], d["sandbox"]) for d in said["differences"]] == [
        ("status", "201", "400")
    ]
