"""The guarded ways into a VNET: Bastion hosts and VPN gateways."""

from __future__ import annotations

from ipaddress import IPv4Network

from amlwizard.sandbox.kinds.base import ArmError, Call, Kind
from amlwizard.sandbox.kinds.network.subnets import find_subnet


def _with_ip_configurations(call: Call) -> None:
    """Bastion hosts and VPN gateways: each configuration names a subnet and a public address."""
    wanted = "AzureBastionSubnet" if "bastion" in call.id.type else "GatewaySubnet"
    configurations = call.properties.get("ipConfigurations") or []
    if not configurations:
        raise ArmError(400, "InvalidRequestFormat", "ipConfigurations must not be empty.")
    for configuration in configurations:
        p = configuration["properties"]
        subnet = find_subnet(call.world, (p.get("subnet") or {}).get("id"))
        if subnet is None or subnet["name"] != wanted:
            raise ArmError(
                400,
                "InvalidSubnetName",
                f"The subnet of {call.id.name} must be named {wanted}.",
            )
        length = IPv4Network(subnet["properties"]["addressPrefix"]).prefixlen
        if length > (26 if wanted == "AzureBastionSubnet" else 29):
            raise ArmError(
                400,
                "BastionSubnetTooSmall" if "Bastion" in wanted else "GatewaySubnetTooSmall",
                f"The subnet {wanted} is too small: /{length}.",
            )
        call.must_exist((p.get("publicIPAddress") or {}).get("id"), "publicIPAddress")


KINDS = [
    Kind("Microsoft.Network/bastionHosts", _with_ip_configurations, 420),
    Kind("Microsoft.Network/virtualNetworkGateways", _with_ip_configurations, 1800),
]
