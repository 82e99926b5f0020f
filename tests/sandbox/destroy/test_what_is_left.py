"""What a teardown leaves behind, and what blocks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.platforms import guest_in
from support.standing import QUICKSTART, Destroy, Standing

from amlwizard.cli import main

pytestmark = pytest.mark.xdist_group("destroy")


def test_what_lacks_the_tag_is_left_and_named(platform: Standing, destroy: Destroy) -> None:
    storage = platform.id("Microsoft.Storage/storageAccounts", "stmlquick01")
    stranger = platform.id("Microsoft.Storage/storageAccounts", "stofothers")
    platform.put(
        stranger,
        "2025-01-01",
        location="westeurope",
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
    )
    platform.change(lambda s: s["resources"][storage.lower()].update(tags={"team": "others"}))
    shown = destroy("--dry-run")
    assert "stofothers" in shown.out and "does not carry the tag" in shown.out
    ran = destroy("--yes", "--json")
    assert ran.code == 0
    assert ran.final("storage")["outcome"] == "kept" and "tag" in ran.final("storage")["what"]
    assert "stofothers" in ran.final("resource-group")["what"]
    assert set(platform.resources) == {storage.lower(), stranger.lower(), platform.group.lower()}
    assert "stofothers" in ran.err


def test_in_a_workspace_of_somebody_elses_our_secrets_go(
    platform: Standing, destroy: Destroy
) -> None:
    """Those of a service principal stay in use between runs; they are not for others to keep."""
    workspace = platform.id("Microsoft.Databricks/workspaces", "dbw-mlquick01").lower()

    def lend(state: dict[str, Any]) -> None:
        state["resources"][workspace].update(tags={"team": "others"})

    platform.change(lend)
    found = platform.resources[workspace]
    client = platform.sandbox.cloud().databricks(found["properties"]["workspaceUrl"], found["id"])
    client.secrets.put("amlwizard-mlquick01", "client-secret", "canary")
    client.secrets.put("theirs", "client-secret", "theirs")
    shown = destroy("--dry-run")
    assert "its secret scope amlwizard-mlquick01 goes" in shown.out
    platform.sandbox.fault(
        "GET /api/2.0/secrets/list",
        status=403,
        body={"error_code": "PERMISSION_DENIED", "message": "no"},
    )
    assert "could not be looked at (PERMISSION_DENIED)" in destroy("--dry-run").out
    platform.sandbox.clear()
    ran = destroy("--yes", "--json")
    assert ran.final("databricks")["outcome"] == "done"
    assert set(platform.state["databricks"][workspace]["scopes"]) == {"theirs"}
    assert workspace in platform.resources
    again = destroy("--yes", "--json")
    assert again.final("databricks")["outcome"] == "kept"


def test_a_replay_never_tags_what_others_made(platform: Standing, destroy: Destroy) -> None:
    platform.change(lambda s: s["resources"][platform.group.lower()].update(tags={"team": "us"}))
    assert destroy("--until", "provision", command="replay").code == 0
    assert platform.resources[platform.group.lower()]["tags"] == {"team": "us"}
    assert destroy("--yes").code == 0
    assert set(platform.resources) == {platform.group.lower()}


def test_children_belong_to_their_parent(platform: Standing, destroy: Destroy) -> None:
    cluster = platform.id("Microsoft.ContainerService/managedClusters", "aks-mlquick01").lower()
    platform.change(lambda s: s["resources"][cluster].update(tags={}))
    ran = destroy("--yes", "--json")
    for step in ("aks", "aks-extension"):
        assert ran.final(step)["outcome"] == "kept" and "tag" in ran.final(step)["what"]
    assert ran.final("vnet")["code"] == "InUseSubnetCannotBeDeleted"
    assert ran.final("nat-gateway")["because"] == "vnet" and ran.code == 1


def test_what_an_earlier_version_of_the_recipe_made_goes_too(
    platform: Standing, destroy: Destroy, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.yaml"
    recipe = Path(QUICKSTART).read_text()
    changed.write_text(recipe.replace("key_vault: private-endpoint", "key_vault: service-endpoint"))
    assert main(["destroy", str(changed), "--target", "sandbox", "--yes"]) == 0
    assert platform.resources == {}


def test_a_lock_fails_its_step_and_names_itself(platform: Standing, destroy: Destroy) -> None:
    insights = platform.id("Microsoft.Insights/components", "appi-mlquick01")
    lock = f"{insights}/providers/Microsoft.Authorization/locks/hold"
    platform.put(lock, "2020-05-01", properties={"level": "CanNotDelete"})
    ran = destroy("--yes", "--json")
    word = ran.final("application-insights")
    assert (ran.code, word["outcome"], word["code"]) == (1, "failed", "ScopeLocked")
    assert insights in word["why"] and "lock" in word["fix"]
    assert ran.final("log-analytics")["because"] == "application-insights"
    assert ran.final("resource-group")["because"] == "application-insights"
    assert ran.final("vnet")["outcome"] == "done"
    platform.arm.send("DELETE", lock, "2020-05-01")
    assert destroy("--yes").code == 0 and platform.resources == {}


def test_a_guest_in_the_subnet_is_named(platform: Standing, destroy: Destroy) -> None:
    guest = guest_in(platform.arm, platform.group)
    ran = destroy("--yes", "--json")
    word = ran.final("vnet")
    assert (ran.code, word["code"]) == (1, "InUseSubnetCannotBeDeleted")
    assert guest in word["why"]
    assert {
        ran.final(s)["because"] for s in ("nsg.workspace", "nat-gateway", "resource-group")
    } == {"vnet"}
