"""The secure entry: a Bastion host, or a point-to-site VPN gateway; none by default.

Bastion uses the Standard SKU with tunnelling: `az network bastion tunnel` and `az aks bastion`
reach machines and a private AKS from a workstation. The VPN gateway is point-to-site over OpenVPN
with Entra sign-in, so there are no certificates to distribute or protect. Names resolve inside the
VNET; VPN clients need its private DNS zones through a forwarder, or entries in their hosts file.
"""

from __future__ import annotations

from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.json_types import MutableDocument
from amlwizard.language import _
from amlwizard.plan import Resource, Step
from amlwizard.recipe import Recipe
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.az_options import options
from amlwizard.steps.network import public_ip

# The smallest gateway that Azure still creates: the SKUs without zones (VpnGw1) are retired.
GATEWAY_SKU = "VpnGw1AZ"
BASTION_OPTIONS = {"--sku": "sku.name", "--enable-tunneling": "properties.enableTunneling"}
BASTION_SKU = "Standard"
# The application id that Microsoft registered for its VPN client, the same in every tenant.
VPN_CLIENT = "c632b3df-fb67-4d84-bdcf-b95ad541b5c8"
# A zone-redundant gateway requires a zone-redundant address.
ZONES = ("1", "2", "3")

CLIENTS = "vpnClientConfiguration"
GATEWAY_OPTIONS = {
    "--gateway-type": "gatewayType",
    "--vpn-type": "vpnType",
    "--sku": "sku.name",
    "--address-prefixes": f"{CLIENTS}.vpnClientAddressPool.addressPrefixes",
    "--client-protocol": f"{CLIENTS}.vpnClientProtocols",
    "--vpn-auth-type": f"{CLIENTS}.vpnAuthenticationTypes",
    "--aad-tenant": f"{CLIENTS}.aadTenant",
    "--aad-audience": f"{CLIENTS}.aadAudience",
    "--aad-issuer": f"{CLIENTS}.aadIssuer",
}


def entry(recipe: Recipe) -> list[Step]:
    """The steps of the secure entry that the recipe selects; empty for `none`."""
    made = {"none": _nothing, "bastion": _bastion, "vpn-gateway": _gateway}
    return made[recipe.security.secure_entry](recipe, Ids(recipe))


def _nothing(recipe: Recipe, ids: Ids) -> list[Step]:
    return []


def _bastion(recipe: Recipe, ids: Ids) -> list[Step]:
    n = recipe.names
    body = ids.tracked(
        {"enableTunneling": True, "ipConfigurations": [_configuration(ids.subnet("bastion"))]},
        sku={"name": BASTION_SKU},
    )
    return [
        public_ip(ids, "entry-ip", _("Public IP of the secure entry"), ids.names.entry_ip),
        arm_step(
            "bastion",
            _("Bastion host"),
            Resource(
                ids.bastion,
                api_versions.NETWORK,
                body,
            ),
            after=("entry-ip", "vnet"),
            az=(
                f"az network bastion create {ids.cli_new} -n {ids.names.bastion} "
                f"--vnet-name {n.vnet} "
                f"--public-ip-address {ids.names.entry_ip} {options(body, BASTION_OPTIONS)}",
            ),
        ),
    ]


def _gateway(recipe: Recipe, ids: Ids) -> list[Step]:
    n, pool = recipe.names, str(recipe.addresses.vpn_clients)
    tenant = "https://login.microsoftonline.com/{sign-in.tenant}"
    issuer = "https://sts.windows.net/{sign-in.tenant}/"
    properties = {
        "gatewayType": "Vpn",
        "vpnType": "RouteBased",
        "vpnGatewayGeneration": "Generation1",
        "enableBgp": False,
        "activeActive": False,
        "sku": {"name": GATEWAY_SKU, "tier": GATEWAY_SKU},
        "ipConfigurations": [_configuration(ids.subnet("gateway"))],
        "vpnClientConfiguration": {
            "vpnClientAddressPool": {"addressPrefixes": [pool]},
            "vpnClientProtocols": ["OpenVPN"],
            "vpnAuthenticationTypes": ["AAD"],
            "aadTenant": tenant,
            "aadAudience": VPN_CLIENT,
            "aadIssuer": issuer,
        },
    }
    return [
        public_ip(
            ids, "entry-ip", _("Public IP of the secure entry"), ids.names.entry_ip, zones=ZONES
        ),
        arm_step(
            "vpn-gateway",
            _("VPN gateway"),
            Resource(ids.vpn_gateway, api_versions.NETWORK, ids.tracked(properties)),
            after=("entry-ip", "vnet"),
            az=(
                f"az network vnet-gateway create {ids.cli_new} -n {ids.names.vpn_gateway} "
                f"--vnet {n.vnet} --vpn-gateway-generation Generation1 "
                f"--public-ip-addresses {ids.names.entry_ip} "
                f"{options(properties, GATEWAY_OPTIONS)}",
            ),
        ),
    ]


def _configuration(subnet: str) -> MutableDocument:
    return {
        "name": "entry",
        "properties": {
            "privateIPAllocationMethod": "Dynamic",
            "subnet": {"id": subnet},
            "publicIPAddress": {"id": "{entry-ip.id}"},
        },
    }
