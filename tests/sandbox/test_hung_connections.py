"""A service that takes a request and says nothing, too little, or is not there: it is let go after a
while, asked a few times more, and then the error says so. By the real SDK clients, for which the limits of
a cloud are shortened."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from threading import Event as CancelEvent
from typing import NamedTuple

import pytest
from support import PATIENCE, Asked, Json
from support.breadth import crossed
from support.platforms import Platform

from amlwizard.cloud import Cloud, databricks_client, interruption, wire
from amlwizard.cloud.arm import Arm
from amlwizard.cloud.databricks import Databricks
from amlwizard.cloud.errors import LOST_ANSWERS
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.session import TenantCredential
from amlwizard.cloud.wire import ENTRA_ATTEMPTS
from amlwizard.errors import CloudError, SignInError
from amlwizard.recipe import SignIn
from amlwizard.run_control import reported_by

pytestmark = pytest.mark.xdist_group("refusals")

VNET = ".*/virtualNetworks/[^/]*"
LIMITS: dict[str, Json] = {
    "in silence": {"silence": 0.5},
    "in all": {"silence": PATIENCE, "whole": 0.5},  # as of an answer that comes byte by byte
}


class Clients(NamedTuple):
    platform: Platform
    arm: Arm
    databricks: Databricks


@pytest.fixture
def impatient(request: pytest.FixtureRequest, platform: Platform) -> Iterator[Clients]:
    """Clients for which half a second is too long."""
    yield clients(platform, replace(platform.cloud.profile, **LIMITS[request.param]))
    platform.sandbox.clear()


def clients(platform: Platform, profile: CloudProfile) -> Clients:
    signed_in, made = platform.cloud.arm, platform.outputs["databricks"]
    assert isinstance(signed_in.credential, TenantCredential)
    return Clients(
        platform,
        Arm(profile, signed_in.credential, signed_in.subscription),
        Databricks(profile, signed_in.credential, made["url"], made["id"]),
    )


def reads(clients: Clients) -> object:
    resource_id, version, _ = clients.platform.document("vnet")
    return clients.arm.get(resource_id, version)


def writes(clients: Clients) -> object:
    resource_id, version, body = clients.platform.document("vnet")
    return clients.arm.put(resource_id, version, body, lambda *_: None, CancelEvent())


def looks_at_clusters(clients: Clients) -> object:
    return clients.databricks.find_cluster("any")


READS = (reads, f"GET {VNET}")
WRITES = (writes, f"PUT {VNET}")
LOOKS = (looks_at_clusters, "GET /api/2.1/clusters/list")
limited = partial(
    pytest.mark.parametrize,
    indirect=["impatient"],
    ids=lambda value: value if isinstance(value, str) else value[1],
)


@limited(("asked", "impatient"), crossed([READS, WRITES, LOOKS], LIMITS))
def test_a_silent_service_is_asked_a_few_times_and_then_given_up(
    impatient: Clients, asked: tuple[Callable[[Clients], object], str]
) -> None:
    """Not by the SDK as well, each time: that would be minutes for every one of its attempts."""
    (ask, call), cloud = asked, impatient.platform.sandbox
    before = cloud.received(f"(?i){call}")
    cloud.gate(f"(?i){call}")
    with pytest.raises(CloudError) as error:
        ask(impatient)
    assert cloud.received(f"(?i){call}") - before == LOST_ANSWERS
    assert "Check the network" in error.value.fix


@limited(("asked", "impatient"), crossed([READS, LOOKS], LIMITS))
def test_one_silence_is_got_over(
    impatient: Clients, asked: tuple[Callable[[Clients], object], str]
) -> None:
    ask, call = asked
    impatient.platform.sandbox.fault(f"(?i){call}", mode="hang", times=1)
    ask(impatient)


SIGN_IN = ["GET .*/openid-configuration", "POST .*/devicecode", "POST .*/token"]


@pytest.mark.parametrize(("limit", "call"), crossed(LIMITS, SIGN_IN))
def test_so_it_is_with_a_sign_in(platform: Platform, call: str, limit: str) -> None:
    """Its SDK would send a request of it four times as often, with five minutes for each."""
    cloud = platform.sandbox
    profile = replace(platform.cloud.profile, **LIMITS[limit])
    before = cloud.received(call)
    cloud.gate(call)
    try:
        with pytest.raises(SignInError, match="Entra cannot be reached") as error:
            Cloud(profile, attended=True).sign_in(SignIn(), Asked(), CancelEvent())
    finally:
        cloud.clear()
    assert cloud.received(call) - before == ENTRA_ATTEMPTS
    assert "Check your network" in error.value.fix


@pytest.mark.parametrize("ask", [reads, looks_at_clusters])
def test_nobody_there_is_an_error_that_says_so(
    platform: Platform, ask: Callable[[Clients], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databricks_client, "RETRY_SECONDS", 1)
    monkeypatch.setattr(wire, "pause", lambda seconds: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and it does not listen
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
        profile = replace(platform.cloud.profile, arm=f"https://{nowhere}", retry=0.01)
        asking = clients(platform, profile)
        asking.databricks.client.config.host = f"https://{nowhere}"
        with pytest.raises(CloudError, match="no answer") as error:
            ask(asking)
    assert "refused" in error.value.why and "Check the network" in error.value.fix


def test_meanwhile_it_is_told_what_is_waited_for(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "HEARTBEAT_SECONDS", 0.1)
    asking = clients(platform, platform.cloud.profile)
    resource_id, _, _ = platform.document("vnet")
    said: list[str] = []

    def heard(message: str) -> None:
        said.append(message)
        if len(said) == 2:
            platform.sandbox.clear()

    platform.sandbox.gate(f"(?i)GET {VNET}")
    with reported_by(heard):
        reads(asking)
    name = resource_id.rpartition("/")[2]
    assert all(f"GET virtualNetworks/{name}: no answer for 0." in message for message in said[:2])
