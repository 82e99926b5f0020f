"""Services that accept one write at a time: what they refuse, and that no client sends two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import RECIPES, Json, recipe_of, running

from amlwizard.cloud.arm import Arm
from amlwizard.design.private_endpoints import links
from amlwizard.errors import CloudError
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("one_at_a_time")

NETWORK, STORAGE = "2025-05-01", "2025-01-01"


def quiet(*_: Any, **__: Any) -> None: ...


@pytest.fixture(scope="module")
def stored() -> Iterator[tuple[Json, Callable[[], None]]]:
    """A storage account, and a subnet beside it, on a clock that goes by polls; and what makes the
    cloud as it was."""
    with running("--approve", "--clock", "polls") as sandbox:
        made = _store(sandbox.cloud().arm)
        state = sandbox.state
        yield made, lambda: sandbox.control("state", state, "PUT")


@pytest.fixture
def store(stored: tuple[Json, Callable[[], None]]) -> Json:
    made, restore = stored
    restore()
    return made


def _store(arm: Arm) -> Json:
    arm.register(["Microsoft.Network", "Microsoft.Storage"], quiet, CancelEvent())
    group = f"/subscriptions/{arm.subscription}/resourceGroups/rg"
    arm.put(group, "2025-04-01", {"location": "westeurope"}, quiet, CancelEvent())
    vnet = f"{group}/providers/Microsoft.Network/virtualNetworks/vnet"
    subnets = [{"name": "one", "properties": {"addressPrefix": "10.1.1.0/24"}}]
    properties = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}, "subnets": subnets}
    arm.put(
        vnet, NETWORK, {"location": "westeurope", "properties": properties}, quiet, CancelEvent()
    )
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/stoneatatime"
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    arm.put(account, STORAGE, body, quiet, CancelEvent())
    return {
        "arm": arm,
        "group": group,
        "subnet": f"{vnet}/subnets/one",
        "id": account,
        "body": body,
    }


def endpoint(store: Json, which: str) -> tuple[str, str, Json]:
    link = {"privateLinkServiceId": store["id"], "groupIds": [which]}
    connection = {"name": which, "properties": link}
    properties = {"subnet": {"id": store["subnet"]}, "privateLinkServiceConnections": [connection]}
    address = f"{store['group']}/providers/Microsoft.Network/privateEndpoints/pep-{which}"
    return address, NETWORK, {"location": "westeurope", "properties": properties}


def finish(arm: Arm, resource: tuple[str, str, Json]) -> str:
    """Look until the operation is over; how it ended."""
    while True:
        found = arm.get(resource[0], resource[1])
        assert found
        state = str(found["properties"]["provisioningState"])
        if state not in ("Creating", "Updating"):
            return state


def test_two_endpoints_of_an_account_at_once_collide(store: Json) -> None:
    """Azure/bicep-registry-modules#6001: the second is left as failed."""
    arm, blob, file = store["arm"], endpoint(store, "blob"), endpoint(store, "file")
    arm.send("PUT", *blob)
    arm.send("PUT", *file)
    with pytest.raises(CloudError) as error:
        arm.send("PUT", store["id"], STORAGE, store["body"])
    assert (error.value.status, error.value.code) == (409, "StorageAccountOperationInProgress")
    assert finish(arm, file) == "Failed"
    assert finish(arm, blob) == "Succeeded"
    connections = arm.get(store["id"], STORAGE)["properties"]["privateEndpointConnections"]
    assert len(connections) == 1


def test_a_collision_with_somebody_else_is_tried_again(store: Json) -> None:
    arm, blob, file = store["arm"], endpoint(store, "blob"), endpoint(store, "file")
    arm.send("PUT", *blob)
    said: list[str] = []

    def say(message: str, **_: Any) -> None:
        said.append(message)
        if "trying again" in message:
            assert finish(arm, blob) == "Succeeded"

    assert arm.put(*file, say, CancelEvent())["properties"]["provisioningState"] == "Succeeded"
    assert "StorageAccountOperationInProgress: trying again" in said


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.yaml")))
def test_endpoints_of_one_target_wait_for_each_other(name: str) -> None:
    recipe = recipe_of(name)
    after = {step.id: set(step.after) for step in steps_for(recipe)}
    by_target: dict[str, list[str]] = {}
    for link in links(recipe):
        by_target.setdefault(link.target, []).append(f"private-endpoint.{link.name}")
    for chain in by_target.values():
        for first, then in pairwise(chain):
            assert first in after[then]
