"""What cannot be changed on a standing platform is told by plan and preflight, and stops a replay
before its first write."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
from typing import Any

import pytest
from support import RECIPES, Json, Ran, amlwizard, recipe_of
from support.breadth import narrowed
from support.platforms import Platform

pytestmark = pytest.mark.xdist_group("refusals")

QUICKSTART = str(RECIPES / "quickstart.yaml")
# Settings, the step that they meet, the property, and what makes it as it was.
CHANGES: dict[str, tuple[dict[str, str], str, tuple[str, ...], dict[str, Any]]] = {
    "node size": (
        {"serving.node_size": "Standard_D4s_v5"},
        "aks",
        ("properties.agentPoolProfiles.default.vmSize",),
        {"serving.node_size": recipe_of("quickstart").serving.node_size},
    ),
    "pods of a node": (
        {"serving.max_pods": "50"},
        "aks",
        ("properties.agentPoolProfiles.default.maxPods",),
        {"serving.max_pods": 110},
    ),
    "service range": (
        {"addresses.service_cidr": "10.1.0.0/16", "addresses.dns_service_ip": "10.1.0.10"},
        "aks",
        ("properties.networkProfile.serviceCidr", "properties.networkProfile.dnsServiceIP"),
        {"addresses.service_cidr": "10.0.0.0/16", "addresses.dns_service_ip": "10.0.0.10"},
    ),
    "made private": (
        {"security.private_aks": "true"},
        "aks",
        ("properties.apiServerAccessProfile.enablePrivateCluster",),
        {"security.private_aks": False},
    ),
    "overlay taken off": (
        {"serving.network": "node-subnet", "serving.max_pods": "30"},
        "aks",
        ("properties.networkProfile.networkPluginMode",),
        {"serving.network": "overlay"},
    ),
    "older Kubernetes": (
        {"serving.kubernetes_version": '"1.35"'},
        "aks",
        ("properties.kubernetesVersion",),
        {"serving.kubernetes_version": "1.36"},
    ),
    "size of the build compute": (
        {"serving.build_node_size": "Standard_D4s_v5"},
        "build-compute",
        ("properties.properties.vmSize",),
        {"serving.build_node_size": "STANDARD_DS3_V2"},  # as Machine Learning writes it
    ),
    "node group": (
        {"names.node_resource_group": "rg-nodes"},
        "aks",
        ("properties.nodeResourceGroup",),
        {"names.node_resource_group": "MC_rg-mlquick01_aks-mlquick01_westeurope"},
    ),
    "managed group": (
        {"names.databricks_managed_group": "rg-other"},
        "databricks",
        ("properties.managedResourceGroupId",),
        {"names.databricks_managed_group": "rg-mlquick01-dbw"},
    ),
}


def run(platform: Platform, command: str, settings: dict[str, str]) -> Ran:
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    return amlwizard(
        command, QUICKSTART, "--target", "sandbox", "--json", *options,
        **platform.sandbox.environment,
    )  # fmt: skip


def set_by(command: str) -> list[str]:
    words = shlex.split(command)
    return [value for option, value in pairwise(words) if option == "--set"]


def findings(ran: Ran) -> list[Json]:
    return [f for f in json.loads(ran.out)["findings"] if f["rule"] == "immutable"]


OVERLAY = "overlay taken off"  # not at once with the pods of a node, which it limits


@pytest.mark.parametrize("what", narrowed(CHANGES, OVERLAY))
def test_preflight_tells_what_stays_and_how_to_go_on(platform: Platform, what: str) -> None:
    [found] = told_and_healed(platform, what)
    assert found["cure"]


def test_preflight_tells_all_that_stays_at_once(platform: Platform) -> None:
    told_and_healed(platform, *(what for what in CHANGES if what != OVERLAY))


def told_and_healed(platform: Platform, *changes: str) -> list[Json]:
    """What is found of these changes, each of which has its cure; all cures leave nothing."""
    settings = {key: value for what in changes for key, value in CHANGES[what][0].items()}
    ran = run(platform, "preflight", settings)
    assert ran.code == 2
    found = findings(ran)
    assert all(one["severity"] == "error" for one in found)
    for _, _, paths, cure in (CHANGES[what] for what in changes):
        assert [
            one for one in found
            if all(path in one["what"] for path in paths) and cure.items() <= one["cure"].items()
        ]  # fmt: skip
    cures = [option.split("=", 1) for one in found for option in set_by(one["command"])]
    assert findings(run(platform, "preflight", {**settings, **dict(cures)})) == []
    return found


def test_the_plan_tells_it_under_its_step(platform: Platform) -> None:
    told = [CHANGES["node size"], CHANGES["older Kubernetes"]]
    ran = run(platform, "plan", {key: value for one in told for key, value in one[0].items()})
    assert ran.code == 2, "as preflight and replay end with it"
    for settings, step, paths, _ in told:
        [planned] = [s for s in json.loads(ran.out)["steps"] if s["id"] == step]
        assert all(path in planned["note"] for path in paths)
        assert next(iter(settings)) in planned["note"]


def test_a_replay_ends_before_its_first_write(platform: Platform) -> None:
    before = len(platform.sandbox.calls)
    ran = run(platform, "replay", {"serving.node_size": "Standard_D4s_v5"})
    assert ran.code == 2 and ran.final("preflight")["outcome"] == "failed"
    writes = ("PUT", "PATCH", "DELETE")
    made = [call for call in platform.sandbox.calls[before:] if call.startswith(writes)]
    assert all(call.endswith("/tags/default") for call in made), "no more than its lease"


def test_what_azure_does_change_is_no_finding(platform: Platform) -> None:
    settings = {"serving.nodes": "4", "serving.kubernetes_version": '"1.37"'}
    assert findings(run(platform, "preflight", settings)) == []
    assert run(platform, "plan", settings).code == 0


def cured(platform: Platform, **others: Any) -> dict[str, Json]:
    """What is found where resources, by their steps, were made otherwise by others; by the field that
    cures it."""
    ids = {step: platform.outputs[step.replace("_", "-")]["id"].lower() for step in others}
    platform.sandbox.change(resources={ids[step]: other for step, other in others.items()})
    return {",".join(found["cure"]): found for found in findings(run(platform, "preflight", {}))}


def test_a_private_cluster_is_not_made_public_by_leaving_it_out(platform: Platform) -> None:
    """And an account of premium disks gets another name."""
    private = {"properties": {"apiServerAccessProfile": {"enablePrivateCluster": True}}}
    found = cured(platform, aks=private, storage={"sku": {"name": "Premium_LRS"}})
    assert set(found) == {"security.private_aks", "names.storage"}
    assert found["security.private_aks"]["cure"] == {"security.private_aks": True}


def test_what_others_made_otherwise_gets_another_name(platform: Platform) -> None:
    """And a cluster with pools of others takes no pool of ours."""
    cluster = platform.outputs["aks"]["id"].lower()
    [pool] = platform.sandbox.state["resources"][cluster]["properties"]["agentPoolProfiles"]
    found = cured(
        platform,
        storage={"kind": "FileStorage"},
        key_vault={"location": "northeurope"},
        vnet={"location": "northeurope"},
        aks={"properties": {"agentPoolProfiles": [{**pool, "name": "nodepool1"}]}},
    )
    assert set(found) == {"names.storage", "names.key_vault", "names.vnet", "names.aks"}
    assert "nodepool1" in found["names.aks"]["what"]
