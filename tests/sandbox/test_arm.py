"""How the sandbox's ARM starts and ends long-running operations."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import Any

import httpx
import pytest
from support import PATIENCE, Sandbox, existing
from support.faults import FAULTS

from amlwizard.cloud import waiting
from amlwizard.errors import CloudError, StepError
from amlwizard.run_control import reported_by
from amlwizard.sandbox.ports import bind

API = "2025-05-01"


def quiet(*_: Any, **__: Any) -> None: ...


def vnet_in(arm: Any) -> str:
    """The id of a VNET in a group, both made here."""
    arm.register(["Microsoft.Network"], quiet, Event())
    group = f"/subscriptions/{arm.subscription}/resourceGroups/rg"
    arm.put(group, "2025-04-01", {"location": "westeurope"}, quiet, Event())
    vnet = f"{group}/providers/Microsoft.Network/virtualNetworks/vnet"
    space = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}
    arm.put(vnet, API, {"location": "westeurope", "properties": space}, quiet, Event())
    return vnet


@pytest.mark.parametrize("clock", ["instant", "polls"])
def test_a_subnet_that_is_put_alone_comes_to_an_end(
    sandbox: Callable[..., Sandbox], clock: str
) -> None:
    arm = sandbox("--clock", clock).cloud().arm
    subnet = f"{vnet_in(arm)}/subnets/one"
    body = {"properties": {"addressPrefix": "10.1.1.0/24"}}
    made = arm.put(subnet, API, body, quiet, Event())
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert existing(arm.get(subnet, API))["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        (("--clock", "real", "--speed", "1"), "retry-after", "10"),
        (("--clock", "real", "--speed", "100"), "retry-after-ms", "100"),
        (("--clock", "polls"), "retry-after-ms", "10"),
    ],
)
def test_the_wait_before_a_poll_is_in_the_clocks_own_time(
    sandbox: Callable[..., Sandbox], options: tuple[str, ...], header: str, value: str
) -> None:
    there = sandbox(*options)
    given = there.description
    # The registration is there already: on a clock of Azure's speed it takes minutes.
    name = "11111111-1111-1111-1111-111111111111"
    there.change(
        providers={given["subscription"]: {"Microsoft.Network": name}},
        operations={
            name: {"resource": "", "verb": "register", "started": 0, "seconds": 0, "polls": 9,
                   "status": "Succeeded", "error": None},
        },
    )  # fmt: skip
    cloud = there.cloud()
    with httpx.Client(
        base_url=given["arm"],
        verify=ssl.create_default_context(cafile=given["ca"]),
        headers={"Authorization": f"Bearer {cloud.access_token('arm').reveal()}"},
        trust_env=False,
        timeout=PATIENCE,
    ) as client:
        group = f"/subscriptions/{given['subscription']}/resourceGroups/rg"
        where = {"location": "westeurope"}
        client.put(group, params={"api-version": "2025-04-01"}, json=where)
        nsg = f"{group}/providers/Microsoft.Network/networkSecurityGroups/nsg"
        answer = client.put(nsg, params={"api-version": API}, json=where)
    assert answer.status_code == 201 and "azure-asyncoperation" in answer.headers
    assert answer.headers[header] == value
    assert {"retry-after", "retry-after-ms"} & answer.headers.keys() == {header}


def test_the_node_group_of_aks_is_open_to_its_owner(sandbox: Callable[..., Sandbox]) -> None:
    """Only Databricks denies writes in the group that it manages."""
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    group = vnet_in(arm).partition("/providers/")[0]
    cluster = f"{group}/providers/Microsoft.ContainerService/managedClusters/aks"
    there.change(resources={group.lower(): {"managedBy": cluster}})
    nsg = f"{group}/providers/Microsoft.Network/networkSecurityGroups/nsg"
    made = arm.put(nsg, API, {"location": "westeurope"}, quiet, Event())
    assert made["name"] == "nsg"


@pytest.mark.parametrize("state", ["Deleting", "Updating"])
def test_what_somebody_else_began_is_not_awaited_for_ever(
    sandbox: Callable[..., Sandbox], state: str
) -> None:
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    vnet = vnet_in(arm)
    there.change(resources={vnet.lower(): {"properties": {"provisioningState": state}}})
    arm.profile = replace(arm.profile, longest=0)
    with pytest.raises(StepError) as error:
        (arm.delete if state == "Deleting" else arm.wait)(vnet, API, quiet, Event())
    assert "still" in error.value.what and "after 0 minutes" in error.value.what
    assert error.value.fix


@pytest.mark.parametrize("code", ["RetryableError", "InternalServerError"])
def test_an_operation_that_fails_once_succeeds_when_it_is_repeated(
    sandbox: Callable[..., Sandbox], code: str
) -> None:
    """At once where Azure says so, else by the next run."""
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    failed = {"status": "Failed", "error": {"code": code, "message": "Something went wrong."}}
    there.fault("GET .*Microsoft.Network.*/operationStatuses/.*", edit=failed, times=1)
    if code == "InternalServerError":
        with pytest.raises(CloudError) as error:
            vnet_in(arm)
        assert error.value.code == code and "Something went wrong" in error.value.why
        assert "Run it again" in error.value.fix
    assert existing(arm.get(vnet_in(arm), API))["properties"]["provisioningState"] == "Succeeded"


def test_pages_that_lead_round_in_circles_are_no_answer(sandbox: Callable[..., Sandbox]) -> None:
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    path = f"/subscriptions/{arm.subscription}/resourceGroups"
    page = f"{there.description['arm']}{path}?api-version=2025-04-01"
    there.fault(f"GET {path}", edit={"nextLink": page})
    with pytest.raises(CloudError, match="no answer"):
        arm.every(path, "2025-04-01")


def test_what_stays_unseen_or_there_is_told_meanwhile(
    sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "HEARTBEAT_SECONDS", 0)
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    vnet = vnet_in(arm)
    arm.profile = replace(arm.profile, lag=0.5, patience=0.5)
    said: list[str] = []
    with pytest.raises(StepError, match="still there"):
        arm.await_gone(vnet, API, lambda message, _=None: said.append(message), Event())
    assert said[0] == "being deleted"
    said.clear()
    with reported_by(said.append):
        assert arm.await_there(f"{vnet}x", API, Event()) is None
    assert said[0].startswith("not visible yet, for ")


def test_a_registration_that_nobody_confirmed_is_asked_for_again(
    sandbox: Callable[..., Sandbox],
) -> None:
    """An empty answer says nothing, and it would be waited for for an hour."""
    there = sandbox("--clock", "instant")
    register = "POST .*/Microsoft.Network/register"
    there.fault(register, times=1, **FAULTS["empty"])
    arm = there.cloud().arm
    arm.register(["Microsoft.Network"], quiet, Event())
    assert arm.registrations(["Microsoft.Network"]) == {"Microsoft.Network": "Registered"}
    assert there.received(register) == 2


async def test_an_answer_does_not_wait_for_a_delayed_acknowledgement() -> None:
    """Nagle's algorithm is off on every connection that a door takes."""
    loop = asyncio.get_running_loop()
    taken: asyncio.Future[socket.socket] = loop.create_future()

    class Taking(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            taken.set_result(transport.get_extra_info("socket"))

    door = bind(0)
    async with await loop.create_server(Taking, sock=door):
        _, writer = await asyncio.open_connection(*door.getsockname())
        assert (await taken).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
