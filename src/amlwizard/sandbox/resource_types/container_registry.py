"""Microsoft.ContainerRegistry/registries."""

from __future__ import annotations

from dataclasses import replace

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.global_names import is_taken
from amlwizard.sandbox.resource_types.network import find_subnet
from amlwizard.sandbox.resource_types.responses import AT_ONCE, CREATED, GONE_AT_ONCE, ArmResponse
from amlwizard.sandbox.resource_types.shapes import Document, NetworkRules, Object, Shape

REGISTRY = {
    "adminUserEnabled": False,
    "anonymousPullEnabled": False,
    "dataEndpointEnabled": False,
    "dataEndpointHostNames": [],
    "encryption": {"status": "disabled"},
    "networkRuleBypassOptions": "AzureServices",
    "policies": {
        "quarantinePolicy": {"status": "disabled"},
        "trustPolicy": {"type": "Notary", "status": "disabled"},
        "retentionPolicy": {"days": 7, "status": "disabled"},
        "exportPolicy": {"status": "enabled"},
        "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
        "softDeletePolicy": {"retentionDays": 7, "status": "disabled"},
    },
    "publicNetworkAccess": "Enabled",
    "zoneRedundancy": "Disabled",
}


class _RegistryProperties(Shape):
    publicNetworkAccess: str = ""
    networkRuleSet: NetworkRules = NetworkRules()
    policies: dict[str, Object] | None = None


class _Registry(Document):
    properties: _RegistryProperties = _RegistryProperties()


def _registry(call: Call) -> None:
    call.require("sku.name")
    if call.body["sku"]["name"] == "Classic":
        raise ArmError(
            400,
            "ClassicSkuDeprecated",
            "Classic SKU is now deprecated. Please select a managed SKU.",
        )
    if is_taken(call.state, "Microsoft.ContainerRegistry/registries", call.id.name, call.id.text):
        raise ArmError(
            409,
            "AlreadyInUse",
            f"The registry DNS name {call.id.name.lower()}.azurecr.io is already in use. You can "
            "check if the name is already claimed using following API: "
            "https://learn.microsoft.com/rest/api/containerregistry/registries/"
            "checknameavailability",
        )
    sku, p = call.body["sku"]["name"], call.properties
    rules = p.get("networkRuleSet")
    if sku != "Premium" and (
        (rules and rules.get("defaultAction") == "Deny")
        or p.get("publicNetworkAccess") == "Disabled"
    ):
        raise ArmError(
            400,
            "NetworkRulesNotSupportedForSku" if rules else "PublicNetworkAccessNotSupportedForSku",
            f"The registry {call.id.name} in SKU {sku} cannot be closed off: network rules and "
            "private endpoints need SKU Premium.",
        )
    if rules:
        _registry_subnets(call, rules)
    call.body["sku"]["tier"] = sku
    p["loginServer"] = f"{call.id.name.lower()}.azurecr.io"
    old, now = (call.old or {}).get("properties", {}), timestamp()
    p["creationDate"] = old.get("creationDate") or now
    complete(p, REGISTRY)
    if sku == "Premium":
        closed = p["publicNetworkAccess"] == "Disabled"
        rest: JsonObject = {"defaultAction": "Deny" if closed else "Allow", "ipRules": []}
        complete(p, {"networkRuleSet": rest})
    for policy in ("retentionPolicy", "softDeletePolicy"):
        p["policies"][policy]["lastUpdatedTime"] = now
    p["privateEndpointConnections"] = old.get("privateEndpointConnections", [])


def _registry_subnets(call: Call, rules: JsonObject) -> None:
    """Subnet rules: named `id` until 2022 and otherwise since 2026; ignored in between."""
    given = rules.pop("virtualNetworkRules", None) or []
    if call.version < "2022-02-01-preview":
        key = "id"
    elif call.version >= "2026-09-01-preview":
        key = "virtualNetworkSubnetResourceId"
    else:
        return
    for rule in given:
        if find_subnet(call.state, rule.get(key)) is None:
            call.must_exist(rule.get(key), "virtualNetworkRules")
        rule.setdefault("action", "Allow")
    rules["virtualNetworkRules"] = given


WITHOUT_WAITING = "2023-01-01"  # since then a PUT responds when the operation is complete

RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.ContainerRegistry/registries",
        _registry,
        10,
        shape=_Registry,
        creates=replace(AT_ONCE, since=WITHOUT_WAITING, before=CREATED),
        updates=AT_ONCE,
        deletes=ArmResponse(
            202, "L", states=("Deleting",), since=WITHOUT_WAITING, before=GONE_AT_ONCE
        ),
        delete_seconds=25,
        name=r"[A-Za-z0-9]{5,50}",
        system_data=True,
        shows_tags=True,
    ),
]
