"""Microsoft.ContainerRegistry/registries."""

from __future__ import annotations

from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.kinds.global_names import taken
from amlwizard.sandbox.kinds.network import find_subnet
from amlwizard.sandbox.kinds.timestamps import stamp


def _registry(call: Call) -> None:
    call.require("sku.name")
    if taken(call.world, "Microsoft.ContainerRegistry/registries", call.id.name, call.id.text):
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
    p["creationDate"] = stamp()
    for key, value in (
        ("adminUserEnabled", False),
        ("publicNetworkAccess", "Enabled"),
        ("networkRuleBypassOptions", "AzureServices"),
        ("zoneRedundancy", "Disabled"),
        ("dataEndpointEnabled", False),
    ):
        p.setdefault(key, value)
    old = (call.old or {}).get("properties", {})
    p.setdefault("privateEndpointConnections", old.get("privateEndpointConnections", []))


def _registry_subnets(call: Call, rules: Body) -> None:
    """Rules that name subnets: by `id` until 2022, by another name since 2026; ignored between."""
    given = rules.pop("virtualNetworkRules", None) or []
    if call.version < "2022-02-01-preview":
        key = "id"
    elif call.version >= "2026-09-01-preview":
        key = "virtualNetworkSubnetResourceId"
    else:
        return
    for rule in given:
        if find_subnet(call.world, rule.get(key)) is None:
            call.must_exist(rule.get(key), "virtualNetworkRules")
        rule.setdefault("action", "Allow")
    rules["virtualNetworkRules"] = given


KINDS = [
    Kind("Microsoft.ContainerRegistry/registries", _registry, 25, name=r"[A-Za-z0-9]{5,50}"),
]
