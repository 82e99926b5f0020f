"""The limits that ARM puts on requests to a subscription: what the sandbox does with them, and how all
clients of a process keep within them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Event

import httpx
import pytest
from support import RECIPES, Sandbox, amlwizard

from amlwizard.errors import OperationCancelledError
from amlwizard.run_control import cancelled_by, reported_by

Sandboxes = Callable[..., Sandbox]
LEFT = "x-ms-ratelimit-remaining-subscription-"


def test_the_sandbox_tells_what_is_left_and_then_refuses(sandbox: Sandboxes) -> None:
    there = sandbox("--clock", "real", "--speed", "1")
    there.change(limits={"requests": {"reads": [2, 0]}})
    given, cloud = there.description, there.cloud()
    url = f"{given['arm']}/subscriptions/{given['subscription']}/resourceGroups"
    with httpx.Client(
        headers={"Authorization": f"Bearer {cloud.access_token('arm').reveal()}"},
        verify=ssl.create_default_context(cafile=given["ca"]),
        params={"api-version": "2025-04-01"},
    ) as client:
        answers = [client.get(url) for _ in range(3)]
        written = client.put(f"{url}/rg", json={"location": "westeurope"})
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers[f"{LEFT}reads"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers[f"{LEFT}global-reads"] == "29"
    assert answers[2].json()["error"]["code"] == "SubscriptionRequestsThrottled"
    assert answers[2].headers["retry-after"] == "10"
    assert written.status_code == 201 and written.headers[f"{LEFT}writes"] == "199"


def test_a_wait_is_told_and_ends_with_the_command(sandbox: Sandboxes) -> None:
    there = sandbox("--clock", "real", "--speed", "1")
    arm = there.cloud().arm
    there.change(limits={"requests": {"reads": [1, 0]}})
    group = f"/subscriptions/{arm.subscription}/resourceGroups/rg"
    cancel, said = Event(), list[str]()

    def report(message: str) -> None:
        said.append(message)
        cancel.set()

    with cancelled_by(cancel), reported_by(report), pytest.raises(OperationCancelledError):
        for _ in range(9):
            arm.get(group, "2025-04-01")
    assert said == ["throttled: Azure takes no more reads from this subscription for 10 s"]


@pytest.mark.journey
def test_recipes_share_the_budget_of_their_subscription(sandbox: Sandboxes, tmp_path: Path) -> None:
    """With a tenth of what Azure gives, hundreds of requests wait their turn, and hardly one is refused."""
    capture = tmp_path / "capture.jsonl"
    there = sandbox("--clock", "real", "--speed", "600", "--approve", "--capture", str(capture))
    slow = {kind: [25, 0.2] for kind in ("reads", "writes")}
    there.change(limits={"requests": slow})
    names = []
    for prefix in ("paceda", "pacedb"):
        text = (RECIPES / "quickstart.yaml").read_text().replace("mlquick01", prefix)
        path = tmp_path / f"{prefix}.yaml"
        path.write_text(text)
        names.append(str(path))
    around = {"AMLWIZARD_HOME": str(tmp_path / "home"), **there.environment}
    ran = amlwizard("replay", *names, "--target", "sandbox", "--until", "provision", **around)
    assert ran.code == 0, ran.err + ran.out
    exchanges = capture.read_text().splitlines()
    refused = [line for line in exchanges if "SubscriptionRequestsThrottled" in line]
    assert len(refused) < len(exchanges) / 20
