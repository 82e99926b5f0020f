"""What `--capture` records of any cloud: every way out of this process, and nothing that would have to
be taken out before the file is shown to anybody."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES, Ran, Sandbox, document

from amlwizard.capture.recording import Recorder
from amlwizard.capture.redaction import Redactor
from amlwizard.capture.standins import StandIns

pytestmark = pytest.mark.xdist_group("recorder")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# -- stand-ins

addresses = st.ip_addresses(v=4)
lengths = st.integers(8, 32)


@given(addresses, lengths)
def test_what_lies_in_a_range_still_does(address: ipaddress.IPv4Address, length: int) -> None:
    made = StandIns()
    around = ipaddress.IPv4Network(f"{address}/{length}", strict=False)
    new_around = ipaddress.ip_network(made.address(str(around)))
    assert new_around.prefixlen == length
    private = any(
        around.subnet_of(ipaddress.IPv4Network(n)) for n in ("10.0.0.0/8", "172.16.0.0/12")
    )
    if private:
        assert ipaddress.ip_address(made.address(str(address))) in new_around
        assert new_around.is_private


@given(st.from_regex(r"[a-z][a-z0-9]{2,23}", fullmatch=True))
def test_a_word_has_one_stand_in_of_its_shape(word: str) -> None:
    made, other = StandIns(), StandIns()
    new = made.word(word)
    assert new == made.word(word) and re.fullmatch(r"[a-z][a-z0-9]*", new) and len(new) == len(word)
    assert made.word(word.upper()) == new.upper()
    if len(word) > 8:
        assert other.word(word) != new, "the salt decides"


# -- one exchange, as Azure has them

SUBSCRIPTION = "3f1a0d3c-1b2d-4c5e-8f60-718293a4b5c6"
TENANT = "9c8b7a65-4321-4fed-8cba-0123456789ab"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-fraudmodel"
STORE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stfraudmodel9x"
EXCHANGE = {
    "id": STORE,
    "name": "stfraudmodel9x",
    "type": "Microsoft.Storage/storageAccounts",
    "location": "westeurope",
    "sku": {"name": "Standard_LRS", "tier": "Standard"},
    "tags": {"owner": "grace.hopper@contoso-labs.com", "team": "Underwriting"},
    "identity": {"principalId": "1d2c3b4a-5f6e-4708-9a1b-2c3d4e5f6071", "tenantId": TENANT},
    "properties": {
        "provisioningState": "Succeeded",
        "primaryEndpoints": {"blob": "https://stfraudmodel9x.blob.core.windows.net/"},
        "networkAcls": {"ipRules": [{"value": "20.61.5.77"}], "defaultAction": "Deny"},
        "traffic": {"fraudmodel-blue": 100},
        "subnet": {"addressPrefix": "10.77.3.0/24", "used": "10.77.3.14"},
        "keys": [{"keyName": "key1", "value": "c2VjcmV0LWFjY291bnQta2V5LW9mLW91cnM=", "permissions": "Full"}],
        "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization"
        "/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d",
    },
    "error": {"message": "The account stfraudmodel9x of grace.hopper@contoso-labs.com cannot reach "
              "ml.contoso-labs.com (tenant contosolabs.onmicrosoft.com)."},
}  # fmt: skip
HEADERS = {
    "Azure-AsyncOperation": f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/providers"
    "/Microsoft.Storage/locations/westeurope/asyncoperations/5c1f8a90-1111-4222-8333-444455556666"
    "?api-version=2025-01-01&t=638123456789012345&c=MIIHhzCCBm-gAwIBAgITfAcertificate&s=aB3_xYz&h=q1W2e3R4t5Y6",
    "WWW-Authenticate": f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}", '
    'claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="',
    "Set-Cookie": "session=canary",
    "x-ms-correlation-request-id": "0f0e0d0c-0b0a-4900-8800-070605040302",
}  # fmt: skip
CANARIES = (
    SUBSCRIPTION, TENANT, "fraudmodel", "grace", "hopper", "contoso", "20.61.5.77", "10.77.3",
    "c2VjcmV0", "1d2c3b4a", "5c1f8a90", "MIIHhz", "638123456789012345", "aB3_xYz", "q1W2e3R4t5Y6",
    "Underwriting", "eyJ", "session=", "0f0e0d0c", "the-bearer-of-it",
)  # fmt: skip


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[str, list[dict[str, Any]]]:
    """The file of an exchange before which a name was said that only it tells to be one."""
    recorder = Recorder(tmp_path / "capture.jsonl", lambda text: text)
    early = {"error": {"message": "stfraudmodel9x is asked too often"}}
    for body, headers in ((early, {}), (EXCHANGE, HEADERS)):
        recorder.exchange(
            "PUT", f"https://management.azure.com{STORE}?api-version=2025-01-01",
            (b'{"location": "westeurope", "note": "Bearer the-bearer-of-it"}', "application/json"),
            201, headers, json.dumps(body).encode(), at=1.0, seconds=0.5,
        )  # fmt: skip
    recorder.finish()
    path = tmp_path / "capture.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text(), lines(path)


@pytest.mark.parametrize("canary", CANARIES)
def test_nothing_that_names_anybody_or_opens_anything_is_left(
    recorded: tuple[str, list[dict[str, Any]]], canary: str
) -> None:
    assert canary.lower() not in recorded[0].lower()


def test_what_a_bug_is_found_by_stays(recorded: tuple[str, list[dict[str, Any]]]) -> None:
    early, line = recorded[1]
    body = line["response_body"]
    assert line["method"] == "PUT" and line["status"] == 201 and line["seconds"] == 0.5
    assert "/providers/Microsoft.Storage/storageAccounts/" in line["url"]
    assert line["url"].endswith("?api-version=2025-01-01")
    assert body["location"] == "westeurope" and body["sku"] == EXCHANGE["sku"]
    assert body["properties"]["provisioningState"] == "Succeeded"
    assert body["properties"]["primaryEndpoints"]["blob"].endswith(".blob.core.windows.net/")
    assert body["properties"]["roleDefinitionId"].endswith("7f951dda-4ed3-4680-a7ca-43fe172d538d")
    assert list(body) == list(EXCHANGE) and list(body["tags"]) == ["owner", "team"]
    assert (
        "locations/westeurope/asyncoperations/" in line["response_headers"]["azure-asyncoperation"]
    )
    # The same thing is the same wherever it stands.
    assert body["id"] in line["url"] and body["id"].endswith(f"/{body['name']}")
    assert body["name"] in body["properties"]["primaryEndpoints"]["blob"]
    assert body["name"] in early["response_body"]["error"]["message"]
    subnet = body["properties"]["subnet"]
    assert ipaddress.ip_address(subnet["used"]) in ipaddress.ip_network(subnet["addressPrefix"])


def test_two_captures_have_nothing_in_common() -> None:
    texts = []
    for _ in range(2):
        redactor = Redactor()
        redactor.learn(STORE, EXCHANGE)
        texts.append(document(redactor.clean(EXCHANGE))["name"])
    assert texts[0] != texts[1]


# -- commands


@pytest.mark.parametrize("place", ["embedded", "running"])
def test_a_capture_records_whatever_sandbox_is_the_target(
    command: Callable[..., Ran], sandbox: Callable[..., Sandbox], tmp_path: Path, place: str
) -> None:
    path = tmp_path / "capture.jsonl"
    more = sandbox().environment if place == "running" else {}
    ran = command(
        "replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--until", "sign-in",
        "--approve", "--capture", str(path), **more,
    )  # fmt: skip
    assert ran.code == 0
    assert any(line["url"].endswith("/devicecode") for line in lines(path))


def test_a_file_that_cannot_be_written_is_said(command: Callable[..., Ran], tmp_path: Path) -> None:
    ran = command(
        "replay", str(RECIPES / "quickstart.yaml"), "--target", "azure", "--yes", "--until",
        "sign-in", "--capture", str(tmp_path / "no" / "capture.jsonl"),
    )  # fmt: skip
    assert ran.code == 2 and "There is no folder" in ran.err and "Traceback" not in ran.err
