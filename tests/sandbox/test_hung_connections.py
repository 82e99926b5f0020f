"""A service that takes a request and says nothing: it is let go after a while, asked a few times more,
and then the error says so. By the real SDK clients, for which the limit of a cloud is shortened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event as CancelEvent
from typing import NamedTuple

import pytest
from support.platforms import Platform

from amlwizard.cloud.arm import Arm
from amlwizard.cloud.databricks import Databricks
from amlwizard.cloud.errors import LOST_ANSWERS
from amlwizard.cloud.session import TenantCredential
from amlwizard.errors import CloudError

pytestmark = pytest.mark.xdist_group("refusals")

VNET = ".*/virtualNetworks/[^/]*"


class Clients(NamedTuple):
    platform: Platform
    arm: Arm
    databricks: Databricks


@pytest.fixture
def impatient(platform: Platform) -> Iterator[Clients]:
    """Clients for which a silence of half a second is too long."""
    signed_in, made = platform.cloud.arm, platform.outputs["databricks"]
    profile = replace(platform.cloud.profile, silence=0.5)
    assert isinstance(signed_in.credential, TenantCredential)
    yield Clients(
        platform,
        Arm(profile, signed_in.credential, signed_in.subscription),
        Databricks(profile, signed_in.credential, made["url"], made["id"]),
    )
    platform.sandbox.clear()


def reads(clients: Clients) -> object:
    resource_id, version, _ = clients.platform.document("vnet")
    return clients.arm.get(resource_id, version)


def writes(clients: Clients) -> object:
    resource_id, version, body = clients.platform.document("vnet")
    return clients.arm.put(resource_id, version, body, lambda *_: None, CancelEvent())


def looks_at_clusters(clients: Clients) -> object:
    return clients.databricks.find_cluster("any")


@pytest.mark.parametrize(
    ("ask", "call"),
    [
        (reads, f"GET {VNET}"),
        (writes, f"PUT {VNET}"),
        (looks_at_clusters, "GET /api/2.1/clusters/list"),
    ],
)
def test_a_silent_service_is_asked_a_few_times_and_then_given_up(
    impatient: Clients, ask: Callable[[Clients], object], call: str
) -> None:
    """Not by the SDK as well, each time: that would be minutes for every one of its attempts."""
    cloud = impatient.platform.sandbox
    before = cloud.received(f"(?i){call}")
    cloud.gate(f"(?i){call}")
    with pytest.raises(CloudError) as error:
        ask(impatient)
    assert cloud.received(f"(?i){call}") - before == LOST_ANSWERS
    assert "Check the network" in error.value.fix


@pytest.mark.parametrize(
    ("ask", "call"),
    [(reads, f"GET {VNET}"), (looks_at_clusters, "GET /api/2.1/clusters/list")],
)
def test_one_silence_is_got_over(
    impatient: Clients, ask: Callable[[Clients], object], call: str
) -> None:
    impatient.platform.sandbox.fault(f"(?i){call}", mode="hang", times=1)
    ask(impatient)
