"""Secure entry: what a recipe that asks for one builds, and what Azure refuses of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import Json, Sandbox, existing, recipe_of, running

from amlwizard import engine
from amlwizard.cloud import Cloud
from amlwizard.errors import CloudError
from amlwizard.plan import Step
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("entry")

NETWORK = ("sign-in", "preflight", "providers", "resource-group", "public-ip", "nat-gateway", "vnet", "entry-ip",
           "bastion", "vpn-gateway")  # fmt: skip
API = "2026-03-01"


def network_of(recipe: Recipe) -> list[Step]:
    return [s for s in steps_for(recipe) if s.id in NETWORK or s.id.startswith("nsg.")]


def entry_recipe(entry: str) -> Recipe:
    return recipe_of("private", names__prefix=f"e{entry[:3]}01", security__secure_entry=entry)


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def cloud(place: Sandbox) -> Cloud:
    return place.cloud()


def built(cloud: Cloud, recipe: Recipe) -> list[Any]:
    events: list[Any] = []
    code = engine.run(network_of(recipe), engine.Job(recipe, "", cloud, "sandbox"), events.append)
    assert code == 0, [e for e in events if getattr(e, "outcome", "") == "failed"]
    return events


@pytest.fixture(scope="module")
def entries(cloud: Cloud, place: Sandbox) -> Json:
    """The state of the cloud with the networks of both entries."""
    for entry in ("bastion", "vpn-gateway"):
        built(cloud, entry_recipe(entry))
    return place.state


@pytest.fixture
def with_entries(cloud: Cloud, place: Sandbox, entries: Json) -> Cloud:
    """As they were built, whatever earlier tests changed."""
    place.control("state", entries, "PUT")
    return cloud


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("none", set()),
        ("bastion", {"nsg.bastion", "entry-ip", "bastion"}),
        ("vpn-gateway", {"entry-ip", "vpn-gateway"}),
    ],
)
def test_a_recipe_gets_the_steps_of_the_entry_it_asks_for(entry: str, wanted: set[str]) -> None:
    plain = {s.id for s in steps_for(entry_recipe("none"))}
    assert {s.id for s in steps_for(entry_recipe(entry))} - plain == wanted


@pytest.mark.parametrize(
    ("entry", "kind", "subnet"),
    [
        ("bastion", "bastionHosts", "AzureBastionSubnet"),
        ("vpn-gateway", "virtualNetworkGateways", "GatewaySubnet"),
    ],
)
def test_an_entry_is_built_and_then_kept(
    with_entries: Cloud, place: Sandbox, entry: str, kind: str, subnet: str
) -> None:
    cloud, recipe = with_entries, entry_recipe(entry)
    group = f"/subscriptions/{cloud.arm.subscription}/resourceGroups/{recipe.names.resource_group}"
    (host,) = cloud.arm.every(f"{group}/providers/Microsoft.Network/{kind}", API)
    where = host["properties"]["ipConfigurations"][0]["properties"]
    assert where["subnet"]["id"].endswith(f"/subnets/{subnet}")
    again = built(cloud, recipe)
    kept = {e.step: e.outcome for e in again if e.kind == "step-finished"}
    assert {step for step, outcome in kept.items() if outcome != "kept"} == {"sign-in", "preflight"}
    assert place.unknown == []


def test_the_gateway_signs_people_in_with_entra(with_entries: Cloud) -> None:
    cloud, recipe = with_entries, entry_recipe("vpn-gateway")
    group = f"/subscriptions/{cloud.arm.subscription}/resourceGroups/{recipe.names.resource_group}"
    (host,) = cloud.arm.every(f"{group}/providers/Microsoft.Network/virtualNetworkGateways", API)
    client = host["properties"]["vpnClientConfiguration"]
    tenant = client["aadIssuer"].removeprefix("https://sts.windows.net/").rstrip("/")
    assert client["aadTenant"] == f"https://login.microsoftonline.com/{tenant}"
    assert client["vpnClientProtocols"] == ["OpenVPN"]
    assert "sharedKey" not in str(host) and "{" not in tenant


def test_commands_of_the_plan_say_the_same() -> None:
    lines = {
        entry: [line for step in steps_for(entry_recipe(entry)) for line in step.az]
        for entry in ("bastion", "vpn-gateway")
    }
    assert any("network bastion create" in line for line in lines["bastion"])
    assert any("-n AzureBastionSubnet" in line for line in lines["bastion"])
    assert any(
        "vnet-gateway create" in line and "VpnGw1AZ" in line for line in lines["vpn-gateway"]
    )
    assert any("--zone 1 2 3" in line for line in lines["vpn-gateway"])
    gateway = next(line for line in lines["vpn-gateway"] if "-n GatewaySubnet" in line)
    assert "--network-security-group" not in gateway
    (made,) = [line for line in lines["vpn-gateway"] if "vnet-gateway" in line]
    assert set(re.findall(r"{.*?}", made)) == {"{sign-in.tenant}"}


def put(cloud: Cloud, resource_id: str, body: dict[str, Any]) -> Any:
    return cloud.arm.put(resource_id, API, body, lambda *_, **__: None, CancelEvent())


Change = Callable[[dict[str, Any]], None]


def _without(name: str) -> Change:
    def change(nsg: dict[str, Any]) -> None:
        rules = nsg["properties"]["securityRules"]
        rules[:] = [rule for rule in rules if rule["name"] != name]

    return change


@pytest.mark.parametrize(
    "rule",
    [
        "AllowHttpsInBound",
        "AllowGatewayManagerInBound",
        "AllowSshRdpOutBound",
        "AllowAzureCloudOutBound",
    ],
)
def test_bastions_group_must_keep_its_rules(with_entries: Cloud, rule: str) -> None:
    cloud, recipe = with_entries, entry_recipe("bastion")
    group = f"/subscriptions/{cloud.arm.subscription}/resourceGroups/{recipe.names.resource_group}"
    nsg_id = f"{group}/providers/Microsoft.Network/networkSecurityGroups/nsg-ebas01-bastion"
    nsg = existing(cloud.arm.get(nsg_id, API))
    _without(rule)(nsg)
    with pytest.raises(CloudError) as refused:
        put(cloud, nsg_id, nsg)
    assert refused.value.code == "NetworkSecurityGroupNotCompliantForAzureBastionSubnet"


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (
            "a security group on GatewaySubnet",
            "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet",
        ),
        ("a gateway without zones", "NonAzSkusNotAllowedForVPNGateway"),
        ("an address without zones", "VmssVpnGatewayPublicIpsMustHaveZonesConfigured"),
        ("an address that is in use", "PublicIPAddressInUse"),
        ("the wrong subnet", "InvalidRequestFormat"),
        ("a subnet that only the Basic SKU takes", "InvalidRequestFormat"),
        ("clients inside the VNET", "InvalidRequestFormat"),
        ("deleting a subnet in use", "InUseSubnetCannotBeDeleted"),
        ("deleting an address in use", "PublicIPAddressCannotBeDeleted"),
        ("deleting a group in use", "InUseNetworkSecurityGroupCannotBeDeleted"),
    ],
)
def test_what_azure_refuses_is_refused(with_entries: Cloud, what: str, code: str) -> None:
    cloud, recipe = with_entries, entry_recipe("vpn-gateway")
    stem = (
        f"/subscriptions/{cloud.arm.subscription}/resourceGroups/{recipe.names.resource_group}"
        "/providers/Microsoft.Network"
    )
    vnet_id, prefix = f"{stem}/virtualNetworks/vnet-evpn01", "evpn01"
    gateway = existing(cloud.arm.get(f"{stem}/virtualNetworkGateways/vpng-{prefix}", API))
    properties = gateway["properties"]
    configuration = properties["ipConfigurations"][0]["properties"]
    new = f"{stem}/virtualNetworkGateways/other"

    def address(name: str, **more: Any) -> dict[str, str]:
        body = {
            "location": "westeurope",
            "sku": {"name": "Standard"},
            "properties": {"publicIPAllocationMethod": "Static"},
            **more,
        }
        return {"id": put(cloud, f"{stem}/publicIPAddresses/{name}", body)["id"]}

    def attempt() -> None:
        if what == "a security group on GatewaySubnet":
            vnet = existing(cloud.arm.get(vnet_id, API))
            subnet = next(s for s in vnet["properties"]["subnets"] if s["name"] == "GatewaySubnet")
            subnet["properties"]["networkSecurityGroup"] = {
                "id": f"{stem}/networkSecurityGroups/nsg-{prefix}-scoring"
            }
            put(cloud, vnet_id, vnet)
        elif what == "a gateway without zones":
            properties["sku"] = {"name": "VpnGw1", "tier": "VpnGw1"}
            put(cloud, new, gateway)
        elif what == "an address without zones":
            configuration["publicIPAddress"] = address("unzoned")
            put(cloud, new, gateway)
        elif what == "an address that is in use":
            put(cloud, new, gateway)
        elif what == "the wrong subnet":
            configuration["publicIPAddress"] = address("zoned", zones=["1", "2", "3"])
            configuration["subnet"]["id"] = f"{vnet_id}/subnets/snet-{prefix}-compute"
            put(cloud, new, gateway)
        elif what == "a subnet that only the Basic SKU takes":
            small = {
                "location": "westeurope",
                "properties": {
                    "addressSpace": {"addressPrefixes": ["10.7.0.0/24"]},
                    "subnets": [
                        {"name": "GatewaySubnet", "properties": {"addressPrefix": "10.7.0.0/28"}}
                    ],
                },
            }
            made = put(cloud, f"{stem}/virtualNetworks/small", small)
            configuration["publicIPAddress"] = address("zoned", zones=["1", "2", "3"])
            configuration["subnet"]["id"] = f"{made['id']}/subnets/GatewaySubnet"
            put(cloud, new, gateway)
        elif what == "clients inside the VNET":
            pool = properties["vpnClientConfiguration"]["vpnClientAddressPool"]
            pool["addressPrefixes"] = ["10.100.99.0/24"]
            put(cloud, gateway["id"], gateway)
        else:
            target = {
                "deleting a subnet in use": f"{vnet_id}/subnets/GatewaySubnet",
                "deleting an address in use": f"{stem}/publicIPAddresses/pip-{prefix}-vpn-gateway",
                "deleting a group in use": f"{stem}/networkSecurityGroups/nsg-{prefix}-compute",
            }[what]
            cloud.arm.delete(target, API, lambda *_, **__: None, CancelEvent())

    with pytest.raises(CloudError) as refused:
        attempt()
    assert refused.value.code == code
    assert refused.value.status == 400
