"""The subnets of the platform, and which have security groups, egress and service endpoints."""

from __future__ import annotations

from collections.abc import Mapping

from amlwizard.recipe import Security

SUBNETS = ("workspace", "compute", "scoring", "databricks_public", "databricks_private")
DATABRICKS = ("databricks_public", "databricks_private")  # delegated to its workspace
# Subnets of a secure entry: by value of `security.secure_entry`, and the names that Azure requires.
ENTRY: Mapping[str, str] = {"bastion": "bastion", "vpn-gateway": "gateway"}
ENTRY_NAMES: Mapping[str, str] = {"bastion": "AzureBastionSubnet", "gateway": "GatewaySubnet"}
WITHOUT_SECURITY_GROUP = "gateway"  # Azure does not attach an NSG to a GatewaySubnet
# Nodes in these subnets have no public address and need explicit egress.
WITH_EGRESS = ("compute", *DATABRICKS)
# Service endpoints, by the field of `security` that enables them.
SERVICE_ENDPOINTS: Mapping[str, str] = {
    "storage": "Microsoft.Storage",
    "key_vault": "Microsoft.KeyVault",
    "registry": "Microsoft.ContainerRegistry",
}


def subnets(security: Security) -> tuple[str, ...]:
    """All subnets of a recipe: the five fixed ones, and that of its secure entry if any."""
    entry = ENTRY.get(security.secure_entry)
    return (*SUBNETS, entry) if entry else SUBNETS


def with_security_group(security: Security) -> tuple[str, ...]:
    """The subnets that have a security group."""
    return tuple(which for which in subnets(security) if which != WITHOUT_SECURITY_GROUP)


def with_nat_gateway(security: Security) -> tuple[str, ...]:
    """The subnets whose outbound traffic uses the NAT gateway."""
    if not security.nat_gateway:
        return ()
    return (*WITH_EGRESS, "scoring") if security.aks_outbound == "nat-gateway" else WITH_EGRESS


def service_endpoints(security: Security) -> list[str]:
    """The services that each of the five fixed subnets has a service endpoint for."""
    wanted = SERVICE_ENDPOINTS.items()
    return [name for field, name in wanted if getattr(security, field) == "service-endpoint"]
