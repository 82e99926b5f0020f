"""Microsoft.Network."""

from amlwizard.sandbox.resource_types.network import (
    bastion_and_vpn,
    outbound,
    private_dns,
    private_endpoints,
    security_groups,
    subnets,
    vnets,
)
from amlwizard.sandbox.resource_types.network.subnets import DATABRICKS, find_subnet, prefix, usage

__all__ = ["DATABRICKS", "RESOURCE_TYPES", "find_subnet", "prefix", "usage"]

RESOURCE_TYPES = [
    kind
    for module in (
        security_groups,
        outbound,
        vnets,
        subnets,
        private_endpoints,
        private_dns,
        bastion_and_vpn,
    )
    for kind in module.RESOURCE_TYPES
]
