"""How each service responds to a long-running operation, as the real client sees it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from threading import Event
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Asked, Json, Sandbox, existing, recipe_of

from amlwizard.cloud.arm import Arm
from amlwizard.errors import CloudError
from amlwizard.plan import Context
from amlwizard.plan.outputs import Outputs
from amlwizard.sandbox.resource_types.ml.quantities import normalise
from amlwizard.steps import steps_for
from amlwizard.steps.documents import differences, update

WHERE = {"location": "westeurope"}


def quiet(*_: Any, **__: Any) -> None: ...


def group_in(arm: Arm, *namespaces: str) -> str:
    arm.register(list(namespaces), quiet, Event())
    group = f"/subscriptions/{arm.subscription}/resourceGroups/rg"
    arm.put(group, "2025-04-01", WHERE, quiet, Event())
    return f"{group}/providers"


@pytest.mark.parametrize("clock", ["instant", "polls"])
def test_a_location_that_is_the_resource_itself_is_not_polled(
    sandbox: Callable[..., Sandbox], clock: str
) -> None:
    """Managed Identity: 201 with a relative Location that has no API version, and no state."""
    arm = sandbox("--clock", clock).cloud().arm
    identity = (
        f"{group_in(arm, 'Microsoft.ManagedIdentity')}"
        "/Microsoft.ManagedIdentity/userAssignedIdentities/id"
    )
    made = arm.put(identity, "2023-01-31", WHERE, quiet, Event())
    assert made["properties"]["principalId"]


def test_a_storage_account_resolves_its_name_before_it_has_keys(
    sandbox: Callable[..., Sandbox],
) -> None:
    arm = sandbox("--clock", "polls").cloud().arm
    account = f"{group_in(arm, 'Microsoft.Storage')}/Microsoft.Storage/storageAccounts/stmine"
    body = {**WHERE, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}
    assert arm.send("PUT", account, "2024-01-01", body) == {}
    with pytest.raises(CloudError) as error:
        arm.post(f"{account}/listKeys", "2024-01-01")
    assert (error.value.status, error.value.code) == (409, "StorageAccountIsNotProvisioned")
    states = [
        existing(arm.get(account, "2024-01-01"))["properties"]["provisioningState"]
        for _ in range(3)
    ]
    assert states == ["Creating", "ResolvingDns", "Succeeded"]
    assert len(arm.post(f"{account}/listKeys", "2024-01-01")["keys"]) == 2


def test_a_vault_says_by_its_state_alone_that_it_is_not_there_yet(
    sandbox: Callable[..., Sandbox],
) -> None:
    there = sandbox("--clock", "polls")
    arm = there.cloud().arm
    vault = f"{group_in(arm, 'Microsoft.KeyVault')}/Microsoft.KeyVault/vaults/kv-mine"
    properties: Json = {
        "tenantId": there.description["tenant"],
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
    }
    body = {**WHERE, "properties": properties}
    begun = arm.send("PUT", vault, "2024-11-01", body)
    assert begun["properties"]["provisioningState"] == "RegisteringDns"
    made = arm.put(vault, "2024-11-01", body, quiet, Event())
    assert made["properties"]["provisioningState"] == "Succeeded"
    arm.delete(vault, "2024-11-01", quiet, Event())
    recovered: Json = {**WHERE, "properties": {**properties, "createMode": "recover"}}
    del recovered["properties"]["enableRbacAuthorization"]
    again = arm.put(vault, "2024-11-01", recovered, quiet, Event())
    assert again["properties"]["enableRbacAuthorization"], "a recovered vault is what it was"


def test_busy_is_everything_that_has_not_ended(sandbox: Callable[..., Sandbox]) -> None:
    """A vault that registers its name is no failed one, and is not written over."""
    there = sandbox("--clock", "polls")
    cloud, recipe = there.cloud(), recipe_of("quickstart")
    group_in(cloud.arm, "Microsoft.KeyVault")
    steps = {step.id: step for step in steps_for(recipe)}
    known = {"subscription": cloud.arm.subscription, "tenant": there.description["tenant"]}
    ctx = Context(recipe, cloud, Outputs({"sign-in": known}), Event(), ask=Asked())
    group, vault = (steps[name].resource for name in ("resource-group", "key-vault"))
    assert group and vault
    cloud.arm.send("PUT", ctx.resolve(group.id), group.api_version, WHERE)
    cloud.arm.send("PUT", ctx.resolve(vault.id), vault.api_version, ctx.resolve(vault.body))
    found = steps["key-vault"].read(ctx)
    assert found and found.state == "busy"


def test_a_reason_among_nulls_is_read(sandbox: Callable[..., Sandbox]) -> None:
    """Machine Learning fills its errors with nulls, which the SDK's own parser gives up on."""
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    group = group_in(arm, "Microsoft.MachineLearningServices")
    workspace = f"{group}/Microsoft.MachineLearningServices/workspaces/mlw"
    there.change(resources={workspace.lower(): bare_workspace(workspace)})
    properties = {"vmSize": "Standard_DS3_v2", "enableNodePublicIp": False}
    node = {"computeType": "AmlCompute", "properties": properties}
    with pytest.raises(CloudError) as error:
        arm.put(
            f"{workspace}/computes/cpu", "2024-10-01", {**WHERE, "properties": node}, quiet, Event()
        )
    assert (error.value.status, error.value.code) == (400, "UserError")
    assert "requires workspace private endpoint" in error.value.why


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_any_status_of_a_pressed_service_is_hoped_through(
    sandbox: Callable[..., Sandbox], status: int
) -> None:
    """Beyond the SDK's own three tries, and whatever the code."""
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    group = group_in(arm, "Microsoft.Network")
    there.fault("PUT .*/networkSecurityGroups/.*", status=status, code="SomeCode", times=6,
                headers={"retry-after-ms": "1"})  # fmt: skip
    nsg = f"{group}/Microsoft.Network/networkSecurityGroups/nsg"
    said: list[str] = []
    made = arm.put(nsg, "2025-05-01", WHERE, lambda text, payload=None: said.append(text), Event())
    assert made["name"] == "nsg" and "SomeCode: trying again" in said


def test_nothing_is_written_into_a_group_that_is_being_deleted(
    sandbox: Callable[..., Sandbox],
) -> None:
    arm = sandbox("--clock", "polls").cloud().arm
    group = group_in(arm, "Microsoft.Network")
    arm.send("DELETE", group.removesuffix("/providers"), "2025-04-01")
    with pytest.raises(CloudError) as error:
        arm.send("PUT", f"{group}/Microsoft.Network/networkSecurityGroups/n", "2025-05-01", WHERE)
    assert (error.value.status, error.value.code) == (409, "ResourceGroupBeingDeleted")


def test_a_condition_on_a_version_is_heard(sandbox: Callable[..., Sandbox]) -> None:
    there = sandbox("--clock", "instant")
    arm = there.cloud().arm
    zone = f"{group_in(arm, 'Microsoft.Network')}/Microsoft.Network/privateDnsZones/a.example"
    arm.put(zone, "2024-06-01", {"location": "global"}, quiet, Event())
    record = {"properties": {"ttl": 10, "aRecords": [{"ipv4Address": "10.0.0.4"}]}}
    made = arm.put(f"{zone}/A/one", "2024-06-01", record, quiet, Event())
    with httpx.Client(
        base_url=there.description["arm"],
        verify=ssl.create_default_context(cafile=there.description["ca"]),
        headers={"Authorization": f"Bearer {there.cloud().access_token('arm').reveal()}"},
        params={"api-version": "2024-06-01"},
        trust_env=False,
    ) as client:
        stale = client.put(f"{zone}/A/one", json=record, headers={"If-Match": "another"})
        fresh = client.put(f"{zone}/A/one", json=record, headers={"If-Match": made["etag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "PreconditionFailed")
    assert fresh.status_code == 200


def test_a_workspace_without_a_managed_group_takes_nothing_along(
    sandbox: Callable[..., Sandbox],
) -> None:
    arm = sandbox("--clock", "instant").cloud().arm
    group = group_in(arm, "Microsoft.Databricks")
    workspace = f"{group}/Microsoft.Databricks/workspaces/dbw"
    serverless = {**WHERE, "sku": {"name": "premium"}, "properties": {"computeMode": "Serverless"}}
    arm.send("PUT", workspace, "2025-10-01-preview", serverless)
    arm.delete(workspace, "2025-10-01-preview", quiet, Event())
    assert arm.get(group.removesuffix("/providers"), "2025-04-01")


def bare_workspace(resource_id: str) -> dict[str, Any]:
    properties = {"provisioningState": "Succeeded", "privateEndpointConnections": []}
    return {
        "id": resource_id,
        "name": resource_id.rpartition("/")[2],
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": "westeurope",
        "properties": properties,
    }


# -- quantities

AMOUNTS = st.integers(1, 64_000)


@given(AMOUNTS, st.sampled_from(["m", ""]))
def test_cores_come_back_as_asked_for_however_they_are_written(amount: int, unit: str) -> None:
    must_come_back({"cpu": f"{amount}{unit}"})


@given(AMOUNTS, st.sampled_from(["Mi", "Gi", "M", "G"]))
def test_memory_comes_back_as_asked_for_as_near_as_it_is_kept(amount: int, unit: str) -> None:
    must_come_back({"memory": f"{amount}{unit}"})


@pytest.mark.parametrize(
    ("asked", "other"),
    [({"cpu": "0.5"}, {"cpu": "0.6"}), ({"memory": "1Gi"}, {"memory": "1.100Gi"})],
)
def test_another_quantity_is_a_difference(asked: dict[str, str], other: dict[str, str]) -> None:
    wanted, found = (
        {"properties": {"containerResourceRequirements": {"containerResourceLimits": r}}}
        for r in (asked, other)
    )
    assert differences(wanted, found)


def must_come_back(limits: dict[str, str]) -> None:
    kept: dict[str, Any] = {"containerResourceLimits": dict(limits)}
    normalise(kept)
    wanted, found = (
        {"properties": {"containerResourceRequirements": r}}
        for r in ({"containerResourceLimits": limits}, kept)
    )
    assert differences(wanted, found) == ()


def test_the_identity_of_an_extension_is_asked_for_and_not_expected_back() -> None:
    wanted = {"identity": {"type": "SystemAssigned"}, "properties": {"extensionType": "x"}}
    found = {"properties": {"extensionType": "x", "aksAssignedIdentity": {"principalId": "y"}}}
    change = update(found, wanted)
    assert change.differences == () and change.body["identity"] == {"type": "SystemAssigned"}
