"""Microsoft.Storage/storageAccounts."""

from __future__ import annotations

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_types.base import Call, ResourceType, state_of
from amlwizard.sandbox.resource_types.global_names import is_taken
from amlwizard.sandbox.resource_types.network.private_endpoints import (
    EXCLUSIVE,
    IN_PROGRESS,
    occupied,
)
from amlwizard.sandbox.resource_types.network.service_endpoints import must_have_endpoints
from amlwizard.sandbox.resource_types.responses import AT_ONCE, GONE_AT_ONCE, ArmResponse
from amlwizard.sandbox.resource_types.shapes import Document, NetworkRules, Object, Shape
from amlwizard.sandbox.state_file import Polls

ACCOUNT = {
    "accessTier": "Hot",
    "allowBlobPublicAccess": False,
    "allowCrossTenantReplication": False,
    "encryption": {"keySource": "Microsoft.Storage", "services": {}},
    "minimumTlsVersion": "TLS1_0",
    "supportsHttpsTrafficOnly": True,
}


class _StorageEncryption(Shape):
    services: dict[str, Object] | None = None


class _StorageProperties(Shape):
    networkAcls: NetworkRules = NetworkRules()
    encryption: _StorageEncryption = _StorageEncryption()


class _Account(Document):
    properties: _StorageProperties = _StorageProperties()


def _storage(call: Call) -> None:
    call.require("sku.name", "kind")
    if is_taken(call.state, "Microsoft.Storage/storageAccounts", call.id.name, call.id.text):
        raise ArmError(
            409,
            "StorageAccountAlreadyTaken",
            f"The storage account named {call.id.name} is already taken.",
        )
    if call.old and occupied(call.state, call.old, call.id.text):
        raise ArmError(409, IN_PROGRESS["code"], EXCLUSIVE)
    p, sku = call.properties, call.body["sku"]
    acls = p.setdefault("networkAcls", {"defaultAction": "Allow"})
    acls.setdefault("bypass", "AzureServices")
    must_have_endpoints(call, acls, "Microsoft.Storage", "NetworkAclsValidationFailure")
    for rule in acls.get("virtualNetworkRules", []):
        rule.setdefault("action", "Allow")
        rule.setdefault("state", "Succeeded")
    for key in ("virtualNetworkRules", "ipRules", "ipv6Rules"):
        acls.setdefault(key, [])
    complete(p, ACCOUNT)
    old = (call.old or {}).get("properties", {})
    p["privateEndpointConnections"] = old.get("privateEndpointConnections", [])
    p["primaryLocation"] = call.body["location"]
    p["statusOfPrimary"] = "available"
    p["primaryEndpoints"] = _endpoints(call.id.name, call.body["kind"])
    if sku["name"].endswith("GRS"):
        p["secondaryLocation"], p["statusOfSecondary"] = _paired(p["primaryLocation"]), "available"
        if "_RA" in sku["name"]:
            p["secondaryEndpoints"] = _endpoints(f"{call.id.name}-secondary", call.body["kind"])
    p["creationTime"] = since = _since(call)
    for service in ("blob", "file"):
        kept = {"keyType": "Account", "enabled": True, "lastEnabledTime": since}
        complete(p["encryption"]["services"], {service: kept})
    sku["tier"] = sku["name"].split("_")[0]


def _endpoints(name: str, kind: str) -> JsonObject:
    """BlobStorage accounts have no file, queue and web endpoints."""
    zone = "" if kind == "BlobStorage" else "web"
    services = ["blob", "dfs", "table", *(["file", "queue"] if zone else [])]
    found = {service: f"https://{name}.{service}.core.windows.net/" for service in services}
    return {**found, **({zone: f"https://{name}.z6.{zone}.core.windows.net/"} if zone else {})}


def _paired(region: str) -> str:
    """The paired region."""
    ends = {"east": "west", "west": "east", "north": "south", "south": "north"}
    return next((region.replace(a, b) for a, b in ends.items() if a in region), region)


def _since(call: Call) -> str:
    old = (call.old or {}).get("properties", {}).get("creationTime")
    return old or timestamp()


def _keys(call: Call) -> JsonObject:
    if state_of(call.old or {}) != "Succeeded":
        raise ArmError(
            409,
            "StorageAccountIsNotProvisioned",
            "The storage account provisioning state must be 'Succeeded' before executing the "
            "operation.",
        )
    secret = call.state.derive("storage", call.id.scope, call.id.name)
    other = call.state.derive("storage", call.id.scope, call.id.name, "key2")
    since = (call.old or {})["properties"]["creationTime"]
    return {
        "keys": [
            {"keyName": key, "value": value, "permissions": "FULL", "creationTime": since}
            for key, value in (("key1", secret), ("key2", other))
        ]
    }


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Storage/storageAccounts",
        _storage,
        26,
        shape=_Account,
        creates=ArmResponse(202, "L", "", ("Creating", "ResolvingDns"), Polls(status=202)),
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
        name=r"[a-z0-9]{3,24}",
        misnamed="AccountNameInvalid",
        shows_tags=True,
        actions={"listkeys": _keys},
    ),
]
