"""Microsoft.Network: the VNET and all that hangs on it, one module for each kind of thing."""

from amlwizard.sandbox.kinds.network import (
    entry,
    outbound,
    private_dns,
    private_endpoints,
    security_groups,
    subnets,
    vnets,
)
from amlwizard.sandbox.kinds.network.subnets import DATABRICKS, find_subnet, prefix, usage

__all__ = ["DATABRICKS", "KINDS", "find_subnet", "prefix", "usage"]

KINDS = [
    kind
    for module in (
        security_groups,
        outbound,
        vnets,
        subnets,
        private_endpoints,
        private_dns,
        entry,
    )
    for kind in module.KINDS
]
