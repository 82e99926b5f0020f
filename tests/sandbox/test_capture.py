"""What `amlwizard sandbox` records: what it is asked by anybody, cells on a cluster included, in the
order of the wire, and no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Sandbox

from amlwizard.errors import CloudError

GROUPS = "/subscriptions/{}/resourceGroups"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_exchange_is_recorded_in_order(
    sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    path = tmp_path / "capture.jsonl"
    cloud = sandbox("--clock", "polls", "--capture", str(path)).cloud()
    cloud.arm.register(["Microsoft.Network"], lambda *_: None, _never())
    group = f"{GROUPS.format(cloud.arm.subscription)}/rg"
    cloud.arm.put(group, "2025-04-01", {"location": "westeurope"}, lambda *_: None, _never())
    nsg = f"{group}/providers/Microsoft.Network/networkSecurityGroups/nsg"
    cloud.arm.put(nsg, "2025-05-01", {"location": "westeurope"}, lambda *_: None, _never())
    recorded = lines(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [line["at"] for line in recorded] == sorted(line["at"] for line in recorded)
    put = next(n for n, e in enumerate(recorded) if e["method"] == "PUT" and nsg in e["url"])
    made = recorded[put]
    assert made["status"] == 201 and made["request_body"]["location"] == "westeurope"
    assert made["response_body"]["properties"]["provisioningState"] == "Updating"
    poll = made["response_headers"]["azure-asyncoperation"]
    assert poll in [e["url"] for e in recorded[put + 1 :]]
    assert all(e["url"].startswith("https://127.0.0.1:") for e in recorded)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 503, "code": "Busy"}, 503),
        ({"status": 503, "code": "Busy", "mode": "after"}, 503),
        ({"mode": "cut"}, 0),
        ({"edit": {"location": "elsewhere"}}, 201),
    ],
)
def test_an_exchange_under_a_fault_is_recorded_as_such(
    sandbox: Callable[..., Sandbox], tmp_path: Path, fault: dict[str, Any], status: int
) -> None:
    path = tmp_path / "capture.jsonl"
    there = sandbox("--clock", "instant", "--capture", str(path))
    cloud = there.cloud()
    there.fault("PUT .*/resourceGroups/rg", times=1, **fault)
    group = f"{GROUPS.format(cloud.arm.subscription)}/rg"
    try:
        cloud.arm.send("PUT", group, "2025-04-01", {"location": "westeurope"})
    except CloudError:
        assert status != 201
    first = next(e for e in lines(path) if e["method"] == "PUT")
    assert first["status"] == status and first["fault"]["match"].startswith("PUT")
    assert first["request_body"] == {"location": "westeurope"}


def test_no_secret_is_recorded(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    there = sandbox("--clock", "instant", "--capture", str(path))
    planted = {
        "access_token": "canary-token",
        "user_code": "CANARY234",
        "client_secret": "canary-secret",
    }
    there.control(
        "plant", {**planted, "principal": {"client_id": "robot", "secret": "canary-secret"}}
    )
    cloud = there.cloud()
    cloud.arm.register(["Microsoft.Storage"], lambda *_: None, _never())
    group = f"{GROUPS.format(cloud.arm.subscription)}/rg"
    cloud.arm.put(group, "2025-04-01", {"location": "westeurope"}, lambda *_: None, _never())
    store = f"{group}/providers/Microsoft.Storage/storageAccounts/capturestore"
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    cloud.arm.put(store, "2025-01-01", body, lambda *_: None, _never())
    keys = cloud.arm.post(f"{store}/listKeys", "2025-01-01")["keys"]
    token = cloud.access_token("arm").reveal()
    text = path.read_text()
    for secret in (*planted.values(), keys[0]["value"], token):
        assert secret not in text
    asked = next(e for e in lines(path) if e["url"].endswith("/devicecode"))
    assert asked["response_body"]["user_code"] == "REDACTED"
    assert "enter REDACTED" in asked["response_body"]["message"]


def _never() -> Any:
    from threading import Event

    return Event()
