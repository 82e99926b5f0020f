"""Deletions that the sandbox refuses as Azure does, and what is deleted along with a resource."""

from __future__ import annotations

from threading import Event as CancelEvent

import pytest
from support.platforms import Platform, guest_in

from amlwizard.errors import CloudError

pytestmark = pytest.mark.xdist_group("refusals")


def group_of(platform: Platform) -> str:
    return str(platform.outputs["resource-group"]["id"])


REFUSED = [
    ("Microsoft.Network/virtualNetworks/vnet-mlquick01", "InUseSubnetCannotBeDeleted"),
    (
        "Microsoft.Network/virtualNetworks/vnet-mlquick01/subnets/snet-mlquick01-scoring",
        "InUseSubnetCannotBeDeleted",
    ),
    (
        "Microsoft.Network/virtualNetworks/vnet-mlquick01/subnets/snet-mlquick01-dbw-public",
        "InUseSubnetCannotBeDeleted",
    ),
    (
        "Microsoft.Network/networkSecurityGroups/nsg-mlquick01-compute",
        "InUseNetworkSecurityGroupCannotBeDeleted",
    ),
    ("Microsoft.Network/natGateways/ng-mlquick01", "InUseNatGatewayCannotBeDeleted"),
    ("Microsoft.Network/publicIPAddresses/pip-mlquick01-nat", "PublicIPAddressCannotBeDeleted"),
    ("Microsoft.Network/privateDnsZones/privatelink.azurecr.io", "CannotDeleteResource"),
]


@pytest.mark.parametrize(("tail", "code"), REFUSED, ids=[tail for tail, _ in REFUSED])
def test_a_deletion_that_azure_refuses_is_refused(platform: Platform, tail: str, code: str) -> None:
    before = platform.sandbox.state["resources"]
    with pytest.raises(CloudError) as refused:
        platform.cloud.arm.send("DELETE", f"{group_of(platform)}/providers/{tail}", "2024-11-01")
    assert refused.value.code == code and refused.value.status in (400, 409)
    assert platform.sandbox.state["resources"] == before


def test_the_group_that_databricks_manages_is_denied(platform: Platform) -> None:
    managed = f"{group_of(platform).rpartition('/')[0]}/rg-mlquick01-dbw"
    with pytest.raises(CloudError) as refused:
        platform.cloud.arm.send("DELETE", managed, "2025-04-01")
    assert (refused.value.status, refused.value.code) == (403, "DenyAssignmentAuthorizationFailed")
    assert "dbw-mlquick01" in refused.value.why


def test_a_group_goes_with_all_in_it_unless_a_guest_is_in_the_way(platform: Platform) -> None:
    guest = guest_in(platform.cloud.arm, group_of(platform))
    quiet = (lambda *_, **__: None), CancelEvent()
    with pytest.raises(CloudError) as refused:
        platform.cloud.arm.delete(group_of(platform), "2025-04-01", *quiet)
    assert refused.value.code == "ResourceGroupDeletionBlocked"
    platform.cloud.arm.delete(guest, "2026-03-01", *quiet)
    platform.cloud.arm.delete(group_of(platform), "2025-04-01", *quiet)
    left = [r["name"] for r in platform.sandbox.state["resources"].values()]
    kept_by_databricks = [name for name in left if name != "rg-others"]
    assert "rg-others" in left and len(kept_by_databricks) == 2
    assert "rg-mlquick01-dbw" in kept_by_databricks
    assert "vaults/kv-mlquick01" in platform.sandbox.state["deleted"]
