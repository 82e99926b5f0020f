"""How the nodes of AKS go out: by an address of AKS, by the NAT gateway, or by a firewall."""

from __future__ import annotations

from typing import Any

import pytest
from support import RECIPES, amlwizard, recipe_of
from support.platforms import Platform, nothing, setting

from amlwizard.recipe import read
from amlwizard.rules import check
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("refusals")

WAY = "properties.networkProfile.outboundType"
BY_NAT = {"security__aks_outbound": "nat-gateway"}
BY_FIREWALL = {
    "security__aks_outbound": "user-defined-routing",
    "security__aks_firewall": "10.9.0.4",
    "serving__load_balancer": "internal",
}


def bodies(**changes: str) -> dict[str, Any]:
    steps = steps_for(recipe_of("quickstart", **changes))
    return {s.id: s.resource.body for s in steps if s.resource}


def scoring(made: dict[str, Any]) -> Any:
    subnets = made["vnet"]["properties"]["subnets"]
    return next(s["properties"] for s in subnets if s["name"].endswith("-scoring"))


def test_the_subnet_of_the_nodes_has_their_way_out() -> None:
    by_nat, by_firewall = bodies(**BY_NAT), bodies(**BY_FIREWALL)
    assert "natGateway" not in scoring(bodies())
    assert scoring(by_nat)["natGateway"] == {"id": "{nat-gateway.id}"}
    assert scoring(by_firewall)["routeTable"] == {"id": "{route-table.id}"}
    [route] = by_firewall["route-table"]["properties"]["routes"]
    assert route["properties"]["nextHopIpAddress"] == "10.9.0.4"


def outbound_addresses(platform: Platform) -> list[str]:
    return [
        r["id"]
        for r in platform.sandbox.state["resources"].values()
        if (r.get("tags") or {}).get("aks-managed-type") == "aks-slb-managed-outbound-ip"
    ]


def test_no_address_is_made_where_aks_goes_out_otherwise(platform: Platform) -> None:
    assert len(outbound_addresses(platform)) == 1
    error = platform.refused("aks", setting(WAY, "userAssignedNATGateway"))
    assert error.status == 400 and "NAT gateway" in error.why
    vnet = bodies(**BY_NAT)["vnet"]["properties"]["subnets"]
    gateway = platform.outputs["nat-gateway"]["id"]
    at = next(n for n, subnet in enumerate(vnet) if subnet["name"].endswith("-scoring"))
    platform.put("vnet", setting(f"properties.subnets.{at}.properties.natGateway", {"id": gateway}))
    platform.put("aks", setting(WAY, "userAssignedNATGateway"))
    assert outbound_addresses(platform) == []


def test_a_route_must_be_there_before_the_nodes(platform: Platform) -> None:
    error = platform.refused("aks", setting(WAY, "userDefinedRouting"))
    assert error.code == "ExistingRouteTableNotAssociatedWithSubnet"
    platform.put("aks", nothing)


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no gateway": ({"security.aks_outbound": "nat-gateway", "security.nat_gateway": "false"}, "AK-18"),
    "no firewall": ({"security.aks_outbound": "user-defined-routing"}, "AK-18"),
    "a firewall for nothing": ({"security.aks_firewall": "10.9.0.4"}, "AK-18"),
    "answers by another way": (
        {"security.aks_outbound": "user-defined-routing", "security.aks_firewall": "10.9.0.4"},
        "AK-19",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_ways_out_that_lead_nowhere_are_told(what: str) -> None:
    settings, rule = WRONG[what]
    reading = read(RECIPES / "quickstart.yaml", settings)
    assert rule in {f.rule for f in check(reading.sections)}


@pytest.mark.parametrize("form", ["az", "bicep", "arm-json"])
def test_exports_have_the_route(form: str) -> None:
    settings = [f"{k.replace('__', '.')}={v}" for k, v in BY_FIREWALL.items()]
    options = [part for s in settings for part in ("--set", s)]
    ran = amlwizard("export", str(RECIPES / "quickstart.yaml"), "--to", form, *options)
    assert ran.code == 0, ran.err
    assert "userDefinedRouting" in ran.out and "10.9.0.4" in ran.out
