"""What a teardown removes, and in which order."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from support import Json, recipe_of
from support.standing import GROUP, MANAGED, QUICKSTART, TAG, Destroy, Standing

from amlwizard.errors import CloudError
from amlwizard.plan import in_order
from amlwizard.steps import steps_for
from amlwizard.teardown import teardown

pytestmark = pytest.mark.xdist_group("destroy")


@pytest.mark.parametrize("name", ["quickstart", "article", "private"])
@pytest.mark.parametrize("purge", [False, True])
def test_every_use_goes_before_what_it_uses(name: str, purge: bool) -> None:
    recipe = recipe_of(name)
    forward = {step.id: step for step in steps_for(recipe)}
    order = [step.id for step in in_order(teardown(recipe, purge=purge))]
    assert order[0] == "sign-in"
    going = [id for id in order if id in forward and id != "sign-in"]
    assert {id for id, step in forward.items() if step.resource} - set(going) == {"traffic"}
    for id in going:
        for used in forward[id].after:
            assert used not in going or order.index(id) < order.index(used)
    assert {"bastion", "entry-ip", "vpn-gateway", "private-endpoint.registry"} <= set(order)
    assert (
        order.index("vpn-gateway")
        < order.index("entry-ip.vpn-gateway")
        < order.index("resource-group")
    )
    assert order[-1] == "resource-group"


def test_all_of_it_goes_in_the_order_that_azure_allows(
    platform: Standing, destroy: Destroy
) -> None:
    """Databricks' managed group, too; its journal stands apart from those of runs."""
    home = Path(os.environ["AMLWIZARD_HOME"])
    runs = set((home / "runs").iterdir())
    assert any(f"/{MANAGED}/" in key for key in platform.resources)
    ran = destroy("--yes", "--json")
    assert ran.code == 0
    assert platform.resources == {}
    assert set((home / "runs").iterdir()) == runs
    assert any((home / "teardowns").glob("*/journal.jsonl"))
    finals = [e["step"] for e in ran.events if e["kind"] == "step-finished"]
    assert len(finals) == len(set(finals)) == len(ran.events[0]["steps"])
    assert {e["outcome"] for e in ran.events if e["kind"] == "step-finished"} == {"done", "kept"}
    at = {e["step"]: e["seq"] for e in ran.events if e["kind"] == "step-finished"}
    began = {e["step"]: e["seq"] for e in ran.events if e["kind"] == "step-started"}
    for step in steps_for(recipe_of("quickstart")):
        for used in step.after:
            if step.id in began and used in began and used != "sign-in":
                assert at[step.id] < began[used], f"{step.id} before {used}"
    kept = set(platform.state["deleted"])
    assert kept == {
        "vaults/kv-mlquick01",
        f"workspaces/{platform.arm.subscription}/{GROUP}/mlw-mlquick01",
    }
    assert "soft-deleted" in ran.err and platform.sandbox.unknown == []


def test_what_is_gone_already_is_kept(torn: Standing, destroy: Destroy) -> None:
    again = destroy("--yes", "--json")
    outcomes = {e["outcome"] for e in again.events if e["kind"] == "step-finished"}
    assert again.code == 0 and outcomes == {"done", "kept"}
    assert [e["step"] for e in again.events if e["kind"] == "step-started"] == ["sign-in"]


def test_after_a_purge_the_names_are_free(platform: Standing, destroy: Destroy) -> None:
    ran = destroy("--purge", "--yes", "--json")
    assert ran.code == 0 and platform.state["deleted"] == {}
    assert ran.final("key-vault.purge")["outcome"] == "done"
    assert destroy(command="preflight").code == 0


def test_without_a_purge_azure_keeps_names_and_the_message_says_the_cure(
    torn: Standing, destroy: Destroy
) -> None:
    again = ("--until", "provision", "--json", "--ignore", "all")
    ran = destroy(*again, command="replay")
    refused = ran.final("key-vault")
    assert (ran.code, refused["code"]) == (1, "ConflictError")
    assert f"destroy {shlex.quote(str(QUICKSTART))} --target sandbox --purge" in refused["fix"]
    assert ran.final("workspace")["because"] == "key-vault"

    torn.change(lambda state: state["deleted"].pop("vaults/kv-mlquick01"))
    ran = destroy(*again, command="replay")
    refused = ran.final("workspace")
    assert ran.code == 1 and "Soft-deleted workspace exists" in refused["why"]
    assert f"destroy {shlex.quote(str(QUICKSTART))} --target sandbox --purge" in refused["fix"]

    ran = destroy("--purge", "--yes", "--json")
    assert ran.code == 0 and ran.final("workspace")["outcome"] == "done"
    assert destroy(command="preflight").code == 0


def test_purge_protection_is_said_and_the_rest_goes_on(
    platform: Standing, destroy: Destroy
) -> None:
    vault = platform.id("Microsoft.KeyVault/vaults", "kv-mlquick01").lower()

    def protect(state: dict[str, Any]) -> None:
        state["resources"][vault]["properties"]["enablePurgeProtection"] = True

    platform.change(protect)
    shown = destroy("--purge", "--dry-run")
    assert "purge protection keeps its name for 90 days" in " ".join(shown.out.split())
    ran = destroy("--purge", "--yes", "--json")
    word = ran.final("key-vault.purge")
    until = platform.state["deleted"]["vaults/kv-mlquick01"]["properties"]["scheduledPurgeDate"]
    assert ran.code == 1 and word["outcome"] == "failed"
    assert "kv-mlquick01" in word["what"] and until[:10] in word["what"]
    assert "purge protection" in word["why"] and platform.resources == {}


def test_a_deployment_loses_its_traffic_first(platform: Standing, destroy: Destroy) -> None:
    workspace = platform.id("Microsoft.MachineLearningServices/workspaces", "mlw-mlquick01")
    endpoint = f"{workspace}/onlineEndpoints/mle-mlquick01"
    version = "2025-09-01"
    properties = {"authMode": "Key", "compute": f"{workspace}/computes/aks-inference"}
    platform.put(endpoint, version, location="westeurope", tags=TAG, properties=properties)
    deployment: Json = {
        "id": f"{endpoint}/deployments/ridge", "name": "ridge", "location": "westeurope",
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "tags": TAG, "properties": {"provisioningState": "Succeeded"},
    }  # fmt: skip

    def deploy(state: dict[str, Any]) -> None:
        state["resources"][deployment["id"].lower()] = deployment
        state["resources"][endpoint.lower()]["properties"]["traffic"] = {"ridge": 100}

    platform.change(deploy)
    with pytest.raises(CloudError, match="DELETE") as refused:
        platform.arm.delete(deployment["id"], version, lambda *_, **__: None, Event())
    assert refused.value.code == "InferencingClientCallFailed"
    assert "Current traffic [100]" in refused.value.why
    ran = destroy("--yes", "--json")
    assert ran.code == 0 and ran.final("deployment")["outcome"] == "done"
    assert platform.resources == {}
