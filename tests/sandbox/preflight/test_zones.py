"""Private DNS zones of a hub that the VNET is linked to already."""

from __future__ import annotations

import shlex
from itertools import pairwise

import pytest
from support import Json, recipe_of
from support.preflights import Cloud, Preflight, document, only

from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("preflight")

BLOB = "privatelink.blob.core.windows.net"
VAULT = "privatelink.vaultcore.azure.net"
REGISTRY = "privatelink.azurecr.io"


def hub(cloud: Cloud, *zones: str, vnet: str = "vnet-mlquick01") -> list[Json]:
    """Zones in the group of a platform team, linked to a VNET of ours."""
    stem = f"{cloud.subscription}/resourceGroups/rg-hub-dns/providers/Microsoft.Network"
    ours = f"{cloud.group}/providers/Microsoft.Network/virtualNetworks/{vnet}"
    made = []
    for zone in zones:
        made += [
            document(f"{stem}/privateDnsZones/{zone}"),
            document(
                f"{stem}/privateDnsZones/{zone}/virtualNetworkLinks/spoke",
                virtualNetwork={"id": ours},
                registrationEnabled=False,
            ),
        ]
    return made


def standing(cloud: Cloud) -> list[Json]:
    network = cloud.vnet("vnet-mlquick01", "10.100.0.0/16", group=cloud.group)
    return [cloud.our_group(), network]


def test_zones_that_the_vnet_is_linked_to_are_told_and_used(
    cloud: Cloud, preflight: Preflight
) -> None:
    """That of the registry is linked to another VNET only, and not told."""
    elsewhere = hub(cloud, REGISTRY, vnet="vnet-other")
    cloud.holds(*standing(cloud), *hub(cloud, BLOB, VAULT), *elsewhere)
    found = only(preflight(), "zone-linked", "security.dns_zones")
    assert set(found["cure"]["security.dns_zones"]) == {BLOB, VAULT}
    options = [v for o, v in pairwise(shlex.split(found["command"])) if o == "--set"]
    assert preflight("--set", *options) == []


def test_a_named_zone_is_neither_made_nor_linked() -> None:
    zone = (
        f"/subscriptions/x/resourceGroups/rg-hub/providers/Microsoft.Network/privateDnsZones/{BLOB}"
    )
    recipe = recipe_of("quickstart", security__dns_zones=f'{{"{BLOB}": "{zone}"}}')
    steps = {s.id: s for s in steps_for(recipe)}
    assert f"dns-zone.{BLOB}" not in steps and f"dns-link.{BLOB}" not in steps
    group = steps["zone-group.storage-blob"].resource
    assert group
    [config] = group.body["properties"]["privateDnsZoneConfigs"]
    assert config["properties"]["privateDnsZoneId"] == zone
