"""Public addresses, and the NAT gateways that go out by them."""

from __future__ import annotations

from ipaddress import IPv4Address

from amlwizard.sandbox.kinds.base import ArmError, Call, Kind
from amlwizard.sandbox.kinds.network.names import NAME


def _public_ip(call: Call) -> None:
    sku = (call.body.get("sku") or {}).get("name", "Standard")
    if sku == "Standard" and call.properties.get("publicIPAllocationMethod") != "Static":
        raise ArmError(
            400,
            "PublicIPAddressInAvailabilityZoneOrStandardSkuMustBeStatic",
            f"Standard sku publicIp {call.id.text} must have AllocationMethod set to Static.",
        )
    limit = call.world.data["limits"].get("PublicIPAddresses")
    if call.old is None and limit is not None:
        used = sum(1 for _ in call.world.of_type("microsoft.network/publicipaddresses"))
        if used >= limit:
            raise ArmError(
                400,
                "PublicIPCountLimitReached",
                f"Cannot create more than {limit} public IP addresses for this subscription in "
                "this region.",
            )
    number = sum(1 for _ in call.world.of_type("microsoft.network/publicipaddresses"))
    old = (call.old or {}).get("properties", {})
    call.properties["ipAddress"] = old.get("ipAddress", str(IPv4Address("203.0.113.10") + number))
    call.properties.setdefault("publicIPAddressVersion", "IPv4")
    call.properties.setdefault("idleTimeoutInMinutes", 4)


def _nat_gateway(call: Call) -> None:
    for reference in call.properties.get("publicIpAddresses", []):
        call.must_exist(reference.get("id"), "properties.publicIpAddresses")
    call.properties.setdefault("idleTimeoutInMinutes", 4)


KINDS = [
    Kind("Microsoft.Network/publicIPAddresses", _public_ip, 5, name=NAME),
    Kind("Microsoft.Network/natGateways", _nat_gateway, 13, name=NAME),
]
