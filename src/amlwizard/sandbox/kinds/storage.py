"""Microsoft.Storage/storageAccounts."""

from __future__ import annotations

from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.kinds.global_names import taken
from amlwizard.sandbox.kinds.network.private_endpoints import EXCLUSIVE, IN_PROGRESS, occupied
from amlwizard.sandbox.kinds.network.service_endpoints import must_have_endpoints
from amlwizard.sandbox.kinds.timestamps import stamp


def _storage(call: Call) -> None:
    call.require("sku.name", "kind")
    if taken(call.world, "Microsoft.Storage/storageAccounts", call.id.name, call.id.text):
        raise ArmError(
            409,
            "StorageAccountAlreadyTaken",
            f"The storage account named {call.id.name} is already taken.",
        )
    if call.old and occupied(call.world, call.old, call.id.text):
        raise ArmError(409, IN_PROGRESS["code"], EXCLUSIVE)
    p = call.properties
    acls = p.setdefault("networkAcls", {"defaultAction": "Allow"})
    acls.setdefault("bypass", "AzureServices")
    must_have_endpoints(call, acls, "Microsoft.Storage", "NetworkAclsValidationFailure")
    for rule in acls.get("virtualNetworkRules", []):
        rule.setdefault("action", "Allow")
        rule.setdefault("state", "Succeeded")
    for key in ("virtualNetworkRules", "ipRules"):
        acls.setdefault(key, [])
    p.setdefault("minimumTlsVersion", "TLS1_0")
    p.setdefault("supportsHttpsTrafficOnly", True)
    p.setdefault("allowBlobPublicAccess", False)
    p.setdefault(
        "privateEndpointConnections",
        (call.old or {}).get("properties", {}).get("privateEndpointConnections", []),
    )
    p["primaryLocation"] = call.body["location"]
    p["statusOfPrimary"] = "available"
    p["primaryEndpoints"] = {
        service: f"https://{call.id.name}.{service}.core.windows.net/"
        for service in ("blob", "file", "queue", "table")
    }
    p["creationTime"] = _since(call)
    call.body["sku"]["tier"] = call.body["sku"]["name"].split("_")[0]


def _since(call: Call) -> str:
    old = (call.old or {}).get("properties", {}).get("creationTime")
    return old or stamp()


def _keys(call: Call) -> Body:
    secret = call.world.derive("storage", call.id.scope, call.id.name)
    return {"keys": [{"keyName": "key1", "value": secret, "permissions": "Full"}]}


KINDS = [
    Kind(
        "Microsoft.Storage/storageAccounts",
        _storage,
        23,
        accepts=202,
        name=r"[a-z0-9]{3,24}",
        misnamed="AccountNameInvalid",
        delete_seconds=0,
        actions={"listkeys": _keys},
    ),
]
