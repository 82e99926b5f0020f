"""Bastion hosts and VPN gateways."""

from __future__ import annotations

from ipaddress import IPv4Network

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, complete, value_at
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.network.names import NAME, UPDATING, WEAK, guid
from amlwizard.sandbox.resource_types.network.outbound import take
from amlwizard.sandbox.resource_types.network.security_groups import BASTION_SUBNET
from amlwizard.sandbox.resource_types.network.shapes import Bastion, VpnGateway
from amlwizard.sandbox.resource_types.network.subnets import GATEWAY_SUBNET, find_subnet, prefix

BASTION_SKUS = ("Basic", "Standard", "Premium", "Developer")
WITHOUT_TUNNELS = ("Basic", "Developer")
ZONED_GATEWAYS = ("VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ", "VpnGw4AZ", "VpnGw5AZ")
GATEWAY_LENGTH = 27  # for every SKU but Basic, which accepts a /29
EXPRESS_ROUTE = ("ErGw", "Standard", "HighPerformance", "UltraPerformance")
RETIRED_GATEWAYS = ("VpnGw1", "VpnGw2", "VpnGw3", "VpnGw4", "VpnGw5")

GATEWAY = {
    "activeActive": False,
    "allowRemoteVnetTraffic": False,
    "allowVirtualWanTraffic": False,
    "bgpSettings": {},
    "disableIPSecReplayProtection": False,
    "enableBgp": False,
    "enableBgpRouteTranslationForNat": False,
    "enablePrivateIpAddress": False,
    "isMigrateToCSES": False,
    "natRules": [],
    "packetCaptureDiagnosticState": "None",
    "virtualNetworkGatewayPolicyGroups": [],
    "vpnGatewayGeneration": "Generation1",
    "vpnType": "RouteBased",
}


def _bastion(call: Call) -> None:
    sku = call.body.setdefault("sku", {"name": "Basic"}).get("name")
    if sku not in BASTION_SKUS:
        raise _invalid(f"The Bastion SKU {sku} is not one of {', '.join(BASTION_SKUS)}.")
    p = call.properties
    if p.get("enableTunneling") and sku in WITHOUT_TUNNELS:
        raise _invalid(f"enableTunneling needs the SKU Standard or Premium, not {sku}.")
    for address in _configurations(call, BASTION_SUBNET, 26):
        if (address.get("sku") or {}).get("name") != "Standard":
            raise _invalid(f"The public IP {address['name']} of a Bastion host must be Standard.")
    for other in call.state.of_type("microsoft.network/bastionhosts"):
        if other["id"].lower() != call.id.text.lower() and _subnet_of(other) == _subnet_of(
            call.body
        ):
            raise _invalid(f"The virtual network already has the Bastion host {other['name']}.")
    p["dnsName"] = f"bst-{call.state.derive('bastion', call.id.text.lower())[:8]}.bastion.azure.com"
    p.setdefault("scaleUnits", 2)


def _gateway(call: Call) -> None:
    call.require("properties.gatewayType", "properties.sku.name")
    p, sku = call.properties, value_at(call.body, "properties.sku.name")
    if p["gatewayType"] == "ExpressRoute" and not sku.startswith(EXPRESS_ROUTE):
        raise ArmError(
            400,
            "InvalidGatewaySkuSpecifiedForGatewayDeploymentType",
            f"Virtual network gateway Sku specified is not valid for gateway {call.id.text} with "
            "DeploymentType VMScaleSet.",
        )
    if sku in RETIRED_GATEWAYS and call.old is None:
        raise ArmError(
            400,
            "NonAzSkusNotAllowedForVPNGateway",
            f"VpnGw1-5 non-AZ SKUs are no longer supported for new gateways: {sku}. Only VpnGw1-5AZ "
            "SKUs can be created going forward.",
        )
    if sku not in ZONED_GATEWAYS:
        raise ArmError(
            400,
            "InvalidGatewaySize",
            "The specified gateway size is not valid, supported gateway sizes are "
            f"{','.join(ZONED_GATEWAYS)}.",
        )
    for address in _configurations(call, GATEWAY_SUBNET, GATEWAY_LENGTH):
        if not address.get("zones"):
            raise ArmError(
                400,
                "VmssVpnGatewayPublicIpsMustHaveZonesConfigured",
                f"Standard Public IPs associated with VPN gateways with AZ VPN skus must have zones "
                f"configured. Virtual network gateway name: {call.id.name}, public IP: "
                f"{address['id']}.",
            )
    if p.get("vpnClientConfiguration"):
        _point_to_site(call, p["vpnClientConfiguration"])
    complete(p, GATEWAY)
    complete(p["sku"], {"tier": sku, "capacity": 2})
    complete(p["bgpSettings"], {"asn": 65515, "peerWeight": 0, "bgpPeeringAddresses": _peers(p)})
    p["resourceGuid"] = guid(call.id)
    for rule in p["natRules"]:
        rule["id"] = f"{call.id.text}/natRules/{rule['name']}"
        rule["type"] = "Microsoft.Network/virtualNetworkGateways/natRules"
        complete(rule["properties"], {"type": "Static", "provisioningState": "Succeeded"})


def _peers(gateway: JsonObject) -> list[JsonObject]:
    return [
        {
            "ipconfigurationId": configuration["id"],
            "defaultBgpIpAddresses": [],
            "customBgpIpAddresses": [],
            "tunnelIpAddresses": [],
        }
        for configuration in gateway["ipConfigurations"]
    ]


def _point_to_site(call: Call, client: JsonObject) -> None:
    vnet = call.state.get(_subnet_of(call.body).rsplit("/", 2)[0])
    assert vnet
    for text in value_at(client, "vpnClientAddressPool.addressPrefixes") or []:
        pool = prefix(text, "vpnClientAddressPool")
        for space in vnet["properties"]["addressSpace"]["addressPrefixes"]:
            if pool.overlaps(IPv4Network(space)):
                raise _invalid(
                    f"The VPN client address pool {pool} overlaps with the address space {space} of "
                    f"{vnet['name']}."
                )
    if "AAD" in (client.get("vpnAuthenticationTypes") or []):
        missing = [k for k in ("aadTenant", "aadAudience", "aadIssuer") if not client.get(k)]
        if missing:
            raise _invalid(f"Sign-in by Entra lacks {', '.join(missing)}.")
        if "OpenVPN" not in (client.get("vpnClientProtocols") or []):
            raise _invalid("Sign-in by Entra needs the protocol OpenVPN.")


def _configurations(call: Call, wanted: str, longest: int) -> list[JsonObject]:
    """Check the subnet of each configuration. Returns the public addresses."""
    given = call.properties.get("ipConfigurations") or []
    kind = str(call.body["type"])
    inner = "bastionHostIpConfigurations" if kind.endswith("bastionHosts") else "ipConfigurations"
    if not given:
        raise _invalid("ipConfigurations must not be empty.")
    addresses = []
    for configuration in given:
        p = configuration["properties"]
        subnet = find_subnet(call.state, (p.get("subnet") or {}).get("id"))
        if subnet is None or subnet["name"].lower() != wanted.lower():
            raise _invalid(f"The subnet of {call.id.name} must be named {wanted}.")
        length = IPv4Network(subnet["properties"]["addressPrefix"]).prefixlen
        if length > longest:
            raise _invalid(f"The subnet {wanted} must be /{longest} or larger, not /{length}.")
        addresses.append(take(call, p.get("publicIPAddress"), "publicIPAddress"))
        p.setdefault("privateIPAllocationMethod", "Dynamic")
        p["provisioningState"] = "Succeeded"
        configuration["id"] = f"{call.id.text}/{inner}/{configuration['name']}"
        configuration["type"] = f"{kind}/{inner}"
    return addresses


def _subnet_of(body: JsonObject) -> str:
    return str(body["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"]).lower()


def _invalid(message: str) -> ArmError:
    """Azure's error codes for these are not documented."""
    return ArmError(400, "InvalidRequestFormat", message)


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Network/bastionHosts",
        _bastion,
        474,
        shape=Bastion,
        name=NAME,
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=574,
        delete_seconds=372,
    ),
    ResourceType(
        "Microsoft.Network/virtualNetworkGateways",
        _gateway,
        1172,
        shape=VpnGateway,
        name=NAME,
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=133,
        delete_seconds=582,
    ),
]
