"""Names that are taken, or kept by what was deleted; and a subscription that is ready."""

from __future__ import annotations

import pytest
from support import RECIPES
from support.breadth import breadth
from support.preflights import Cloud, Preflight, deleted_vault, document, only, replaying

pytestmark = pytest.mark.xdist_group("preflight")


def test_an_empty_subscription_is_ready(commanded: Preflight) -> None:
    assert commanded() == []


@pytest.mark.parametrize("recipe", ["article", "private"])
def test_an_empty_subscription_is_ready_for_the_other_recipes(
    recipe: str, preflight: Preflight
) -> None:
    assert preflight(recipe=str(RECIPES / f"{recipe}.yaml")) == []


def test_names_that_are_taken(cloud: Cloud, preflight: Preflight) -> None:
    names = {
        "names.storage": ("Microsoft.Storage/storageAccounts", "stmlquick01"),
        "names.registry": ("Microsoft.ContainerRegistry/registries", "crmlquick01"),
        "names.key_vault": ("Microsoft.KeyVault/vaults", "kv-mlquick01"),
    }
    cloud.state(taken=["/".join(taken) for taken in names.values()])
    by_field = {",".join(f["fields"]): f for f in preflight()}
    assert set(by_field) == set(names)
    cures = []
    for field, (_, name) in names.items():
        found = only([by_field[field]], "name-taken", field)
        other = found["cure"][field]
        assert name in found["what"] and other.startswith(name) and other != name
        assert found["command"] == replaying(f"{field}={other}")
        cures += ["--set", f"{field}={other}"]
    assert preflight(*cures) == []


def test_an_endpoint_name_that_is_taken_in_the_region(cloud: Cloud, preflight: Preflight) -> None:
    stem = f"{cloud.subscription}/resourceGroups/rg-other/providers"
    other = f"{stem}/Microsoft.MachineLearningServices/workspaces/mlw-other"
    cloud.holds(
        {**cloud.our_group(), "id": stem.removesuffix("/providers"), "name": "rg-other"},
        document(other),
        document(f"{other}/onlineEndpoints/MLE-mlquick01"),
    )
    found = only(preflight(), "name-taken", "names.endpoint")
    assert found["command"] == replaying("names.endpoint=mle-mlquick01-2")
    elsewhere = {**document(other), "location": "northeurope"}
    cloud.holds(elsewhere)
    assert preflight() == []


def test_a_managed_group_that_exists(cloud: Cloud, preflight: Preflight) -> None:
    group = f"{cloud.subscription}/resourceGroups/rg-mlquick01-dbw"
    cloud.holds({**cloud.our_group(), "id": group, "name": "rg-mlquick01-dbw"})
    found = only(preflight(), "name-taken", "names.databricks_managed_group")
    assert found["command"] == replaying("names.databricks_managed_group=rg-mlquick01-dbw-2")


GROUP = "az group create --name rg-mlquick01 --location westeurope --tags amlwizard=mlquick01"


@pytest.mark.parametrize(
    ("group", "protected", "command"),
    [
        breadth(
            "rg-mlquick01",
            False,
            f"{GROUP} && az keyvault recover --name kv-mlquick01 --location northeurope",
        ),
        (
            "rg-mlquick01",
            True,
            f"{GROUP} && az keyvault recover --name kv-mlquick01 --location northeurope",
        ),
        ("rg-other", False, "az keyvault purge --name kv-mlquick01 --location northeurope"),
        ("rg-other", True, replaying("names.key_vault=kv-mlquick01-2")),
    ],
)
def test_a_deleted_vault(
    group: str, protected: bool, command: str, cloud: Cloud, preflight: Preflight
) -> None:
    deleted_vault(cloud, group, protected)
    found = only(preflight(), "soft-deleted", "names.key_vault")
    assert found["command"] == command and "2027-02-03" in found["why"]


def test_a_deleted_workspace(cloud: Cloud, preflight: Preflight) -> None:
    workspace = (
        f"{cloud.group}/providers/Microsoft.MachineLearningServices/workspaces/mlw-mlquick01"
    )
    key = f"workspaces/{cloud.sandbox.description['subscription']}/rg-mlquick01/mlw-mlquick01"
    cloud.state(deleted={key: {"id": workspace, "location": "westeurope"}})
    purge = f'az rest --method delete --url "{workspace}?api-version=2025-09-01&forceToPurge=true"'
    found = only(preflight(), "soft-deleted", "names.workspace")
    assert found["command"] == (f"{GROUP} && {purge}")
    cloud.holds(cloud.our_group())
    assert only(preflight(), "soft-deleted", "names.workspace")["command"] == purge
    cloud.sandbox.cloud().arm.send("DELETE", f"{workspace}?forceToPurge=true", "2025-09-01")
    assert preflight() == []


def test_a_group_in_another_region(cloud: Cloud, preflight: Preflight) -> None:
    cloud.holds({**cloud.our_group(), "location": "northeurope"})
    found = only(preflight(), "other-region", "names.resource_group", "sign_in.region")
    assert found["cure"] == {"sign_in.region": "northeurope"}
    assert found["command"] == replaying("sign_in.region=northeurope")
