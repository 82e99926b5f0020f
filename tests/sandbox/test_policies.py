"""Azure Policy applies to properties, and to what services create by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from support import Json
from support.forbidding import GROUPS, NO_ADDRESS, NO_KEYS, PLACES, SIZES, TAG, policy, where
from support.platforms import Platform, nothing, setting

pytestmark = pytest.mark.xdist_group("refusals")

REFUSED = {
    "a region": (PLACES, "vnet", nothing, True),
    "a tag": (TAG, "vnet", nothing, True),
    "the tag is there": (TAG, "vnet", setting("tags", {"COSTCENTER": "1"}), False),
    "keys": (NO_KEYS, "storage", nothing, True),
    "no keys": (NO_KEYS, "storage", setting("properties.allowSharedKeyAccess", False), False),
    "only audited": ({**TAG, "effect": "audit"}, "vnet", nothing, False),
    "anything in a list": (
        policy("ports", where("Microsoft.Network/networkSecurityGroups/securityRules[*].access", equals="Deny")),
        "nsg.compute",
        nothing,
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_policy_judges_properties(platform: Platform, what: str) -> None:
    rule, step, change, refused = REFUSED[what]
    platform.sandbox.change(policies=[rule])
    if not refused:
        platform.put(step, change)
        return
    error = platform.refused(step, change)
    assert (error.status, error.code) == (403, "RequestDisallowedByPolicy")
    assert rule["name"] in error.why and "It refuses this: " in error.why


def failing(platform: Platform, step: str, name: str) -> Any:
    """What becomes of a second one of a step's resource."""
    resource_id = f"{platform.document(step)[0].rpartition('/')[0]}/{name}"
    platform.put(step, setting("location", "westeurope"), name)
    return resource_id, platform.sandbox.state


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (NO_ADDRESS, "ReconcileStandardLoadBalancerError"),
        (SIZES, "RequestDisallowedByPolicy"),
        (policy("groups", where("type", equals=GROUPS)), "RequestDisallowedByPolicy"),
    ],
)
def test_a_policy_holds_for_what_aks_makes(platform: Platform, rule: Json, code: str) -> None:
    platform.sandbox.change(policies=[rule], limits={"cores": 900, "family_cores": 900})
    cluster, state = failing(platform, "aks", "aks-other")
    [operation] = [o for o in state["operations"].values() if o["resource"] == cluster.lower()]
    assert operation["error"]["code"] == code and rule["name"] in operation["error"]["message"]
    assert state["resources"][cluster.lower()]["properties"]["provisioningState"] == "Failed"


def test_the_node_group_has_the_tags_of_its_cluster(platform: Platform) -> None:
    answer = platform.put("aks", setting("tags", {"costCenter": "4711"}))
    group = answer["properties"]["nodeResourceGroup"]
    subscription = answer["id"].split("/")[2]
    key = f"/subscriptions/{subscription}/resourceGroups/{group}".lower()
    assert platform.sandbox.state["resources"][key]["tags"] == {"costCenter": "4711"}
