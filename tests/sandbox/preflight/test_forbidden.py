"""What Azure Policy denies is reported, for our own writes and for what services create."""

from __future__ import annotations

import pytest
from support import Json
from support.forbidding import NO_ADDRESS, NO_KEYS, PLACES, SIZES, TAG
from support.preflights import Cloud, Preflight

pytestmark = pytest.mark.xdist_group("preflight")


def told(findings: list[Json]) -> dict[str, Json]:
    """The findings about policies, by their fields."""
    assert {f["rule"] for f in findings} <= {"policy"}, findings
    return {",".join(f["fields"]): f for f in findings}


def test_preflight_sees_the_address_that_aks_would_make(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(policies=[NO_ADDRESS])
    found = preflight("--set", "security.nat_gateway=false")
    assert [f["what"] for f in found if "AKS creates by itself" in f["what"]]
    [extension] = [f for f in found if "extension creates" in f["what"]]
    assert extension["cure"] == {"serving.load_balancer": "internal"}


def test_preflight_says_which_tag_is_missing(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(policies=[TAG])
    found = preflight()
    assert found and all(f["fields"] == ["names.tags"] for f in found)
    assert all("tags['costCenter'] is missing" in f["why"] for f in found)
    assert preflight("--set", 'names.tags={"costCenter": "4711"}') == []


def test_preflight_says_which_regions_are_allowed(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(policies=[PLACES])
    found = preflight()
    assert found and all(
        "location is westeurope (it is none of northeurope, global)" in f["why"] for f in found
    )
    assert preflight("--set", "sign_in.region=northeurope") == []


def test_preflight_sees_the_account_that_databricks_makes(
    cloud: Cloud, preflight: Preflight
) -> None:
    cloud.state(policies=[NO_KEYS])
    found = told(preflight())
    assert set(found) == {"security.shared_keys", "names.databricks"}
    assert "allowSharedKeyAccess is missing" in found["security.shared_keys"]["why"]
    assert "allowSharedKeyAccess is True" in found["names.databricks"]["why"]
    # An account without keys is the cure of our own; that of Databricks needs an exemption still.
    ours = found["security.shared_keys"]
    assert ours["cure"] == {"security.shared_keys": False}
    assert "--set security.shared_keys=false" in ours["command"]
    assert set(told(preflight("--set", "security.shared_keys=false"))) == {"names.databricks"}


def test_preflight_sees_the_sizes_of_the_nodes(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(policies=[SIZES])
    [found] = preflight()
    assert found["rule"] == "policy" and "virtualMachineScaleSets" in found["what"]


def test_aks_by_the_nat_gateway_needs_no_address_of_its_own(
    cloud: Cloud, preflight: Preflight
) -> None:
    """A policy that lets the recipe's own address be, and no other."""
    own = {"not": {"field": "name", "equals": "pip-mlquick01-nat"}}
    cloud.state(policies=[{**NO_ADDRESS, "if": {"allOf": [*NO_ADDRESS["if"]["allOf"], own]}}])
    internal = ("--set", "serving.load_balancer=internal")
    [found] = preflight(*internal)
    assert found["cure"] == {"security.aks_outbound": "nat-gateway"}
    assert preflight(*internal, "--set", "security.aks_outbound=nat-gateway") == []


def test_aks_by_a_firewall_needs_no_address_at_all(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(policies=[NO_ADDRESS])
    settings = (
        "security.nat_gateway=false", "security.aks_outbound=user-defined-routing",
        "security.aks_firewall=10.9.0.4", "serving.load_balancer=internal",
    )  # fmt: skip
    assert preflight(*(part for s in settings for part in ("--set", s))) == []
