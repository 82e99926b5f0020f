"""Networks that overlap, and subnets that are in use."""

from __future__ import annotations

from typing import Any

import pytest
from support import Json
from support.preflights import Cloud, Preflight, document, only, replaying

pytestmark = pytest.mark.xdist_group("preflight")


def ours(cloud: Cloud, *subnets: Json, **properties: Any) -> Json:
    return cloud.vnet("vnet-mlquick01", "10.100.0.0/16", group=cloud.group,
                      subnets=list(subnets), **properties)  # fmt: skip


def subnet(cloud: Cloud, name: str, prefix: str) -> Json:
    vnet = f"{cloud.group}/providers/Microsoft.Network/virtualNetworks/vnet-mlquick01"
    return {
        "id": f"{vnet}/subnets/{name}",
        "name": name,
        "properties": {"addressPrefix": prefix, "delegations": []},
    }


def peered_with(name: str, prefix: str) -> Json:
    """A peering with a VNET of that name."""
    return {
        "name": f"to-{name}",
        "properties": {
            "remoteVirtualNetwork": {"id": f"/subscriptions/x/y/virtualNetworks/{name}"},
            "remoteAddressSpace": {"addressPrefixes": [prefix]},
        },
    }


def foreign_workspace(cloud: Cloud) -> Json:
    vnet = f"{cloud.group}/providers/Microsoft.Network/virtualNetworks/vnet-mlquick01"
    stem = f"{cloud.subscription}/resourceGroups/rg-other/providers"
    return document(
        f"{stem}/Microsoft.Databricks/workspaces/dbw-other",
        workspaceId="1",
        parameters={
            "customVirtualNetworkId": {"value": vnet},
            "customPublicSubnetName": {"value": "snet-mlquick01-dbw-public"},
            "customPrivateSubnetName": {"value": "snet-elsewhere"},
        },
    )


def test_a_vnet_that_others_overlap_can_never_be_peered(cloud: Cloud, preflight: Preflight) -> None:
    remote = peered_with("vnet-far", "10.100.128.0/17")
    cloud.holds(
        cloud.vnet("vnet-wide", "10.96.0.0/12", "fd00::/48"),
        cloud.vnet("vnet-apart", "10.1.0.0/16", virtualNetworkPeerings=[remote]),
        cloud.vnet("vnet-services", "10.0.0.0/16"),
    )
    found = only(preflight(), "vnet-overlap", "addresses.vnet", severity="warning")
    assert "vnet-wide (10.96.0.0/12)" in found["what"]
    assert "vnet-far (10.100.128.0/17)" in found["what"] and "vnet-services" not in found["what"]
    cure = found["cure"]
    assert cure["addresses.vnet"].endswith("/16") and len(cure) >= 6
    assert found["command"] == replaying(*(f"{k}={v}" for k, v in cure.items()))
    moved = [part for k, v in cure.items() for part in ("--set", f"{k}={v}")]
    assert preflight(*moved) == []


def test_what_our_vnet_is_peered_with_must_not_overlap(cloud: Cloud, preflight: Preflight) -> None:
    remote = peered_with("vnet-hub", "10.0.128.0/17")
    cloud.holds(cloud.our_group(), ours(cloud, virtualNetworkPeerings=[remote]))
    found = only(preflight(), "vnet-overlap", "addresses.service_cidr")
    assert "vnet-hub (10.0.128.0/17)" in found["what"]


def test_a_subnet_that_another_workspace_has(cloud: Cloud, preflight: Preflight) -> None:
    held = subnet(cloud, "snet-mlquick01-dbw-public", "10.100.200.0/24")
    cloud.holds(cloud.our_group(), ours(cloud, held), foreign_workspace(cloud))
    fields = ("names.databricks_public_subnet", "addresses.databricks_public")
    found = only(preflight(), "subnet-in-use", *fields)
    assert "dbw-other" in found["why"] and set(found["cure"]) == set(fields)
    assert found["command"] == replaying(*(f"{k}={v}" for k, v in found["cure"].items()))
    assert preflight(*(p for k, v in found["cure"].items() for p in ("--set", f"{k}={v}"))) == []


def test_a_subnet_in_use_keeps_its_range(cloud: Cloud, preflight: Preflight) -> None:
    held = subnet(cloud, "snet-mlquick01-workspace", "10.100.99.0/24")
    endpoint = document(
        f"{cloud.subscription}/resourceGroups/rg-other/providers/Microsoft.Network/"
        "privateEndpoints/pep-other",
        subnet={"id": held["id"]},
        privateLinkServiceConnections=[],
    )
    cloud.holds(cloud.our_group(), ours(cloud, held), endpoint)
    found = only(preflight(), "subnet-in-use", "addresses.workspace", "names.workspace_subnet")
    assert "pep-other" in found["why"]
    assert found["command"] == replaying("addresses.workspace=10.100.99.0/24")


def test_a_subnet_in_the_way(cloud: Cloud, preflight: Preflight) -> None:
    cloud.holds(cloud.our_group(), ours(cloud, subnet(cloud, "theirs", "10.100.110.128/25")))
    found = only(preflight(), "subnet-in-use", "addresses.compute")
    assert "theirs (10.100.110.128/25)" in found["what"]
    assert found["command"] == replaying(*(f"{k}={v}" for k, v in found["cure"].items()))


def test_cures_of_several_subnets_are_one_plan(cloud: Cloud, preflight: Preflight) -> None:
    """And our own VNET does not overlap with what we plan."""
    strangers = [
        subnet(cloud, "one", "10.100.110.128/25"),
        subnet(cloud, "two", "10.100.100.0/25"),
        subnet(cloud, "three", "10.100.101.0/24"),
    ]
    cloud.holds(cloud.our_group(), ours(cloud, *strangers))
    found = preflight()
    assert [f["rule"] for f in found] == ["subnet-in-use"] * 2
    cures = {path: value for f in found for path, value in f["cure"].items()}
    assert set(cures) == {"addresses.compute", "addresses.workspace"}
    assert preflight(*(p for k, v in cures.items() for p in ("--set", f"{k}={v}"))) == []


def test_reserved_subnets_are_compared_with_what_is_there(
    cloud: Cloud, preflight: Preflight
) -> None:
    right, elsewhere = ("right", "10.100.5.0/24"), ("elsewhere", "10.100.6.0/24")
    cloud.holds(cloud.our_group(), ours(cloud, *(subnet(cloud, *it) for it in (right, elsewhere))))
    given = [right, ("missing", "10.100.7.0/24"), ("elsewhere", "10.100.8.0/24")]
    listed = ", ".join(f"{{name: {name}, range: {prefix}}}" for name, prefix in given)
    missing, lies_elsewhere = preflight("--set", f"addresses.reserved=[{listed}]")
    fields = ("addresses.reserved.1", "addresses.reserved")
    found = only([missing], "reserved-subnet", *fields, severity="warning")
    assert "no subnet called missing" in found["what"]
    fields = ("addresses.reserved.2", "addresses.reserved")
    found = only([lies_elsewhere], "reserved-subnet", *fields, severity="warning")
    [*_, cured] = found["cure"]["addresses.reserved"]
    assert cured == {"name": "elsewhere", "range": "10.100.6.0/24"}
    assert "10.100.6.0/24" in found["command"]
