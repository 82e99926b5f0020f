"""Microsoft.KeyVault/vaults and their soft deletion."""

from __future__ import annotations

import time
from ipaddress import IPv4Network

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.global_names import is_taken
from amlwizard.sandbox.resource_types.network.service_endpoints import must_have_endpoints
from amlwizard.sandbox.resource_types.responses import AT_ONCE, GONE_AT_ONCE, ArmResponse
from amlwizard.sandbox.resource_types.shapes import Document, NetworkRules, Shape
from amlwizard.sandbox.state import State

OPEN = {
    "bypass": "AzureServices",
    "defaultAction": "Allow",
    "ipRules": [],
    "virtualNetworkRules": [],
}  # not shown


class _Sku(Shape):
    name: str = ""


class _VaultProperties(Shape):
    tenantId: str = ""
    sku: _Sku = _Sku()
    createMode: str = ""
    softDeleteRetentionInDays: int = 90
    networkAcls: NetworkRules = NetworkRules()


class _Vault(Document):
    properties: _VaultProperties = _VaultProperties()


def _vault(call: Call) -> None:
    call.require("properties.tenantId", "properties.sku.name")
    if call.old is None:
        _recover(call)
    p, old = call.properties, (call.old or {}).get("properties", {})
    p.pop("createMode", None)
    if is_taken(call.state, "Microsoft.KeyVault/vaults", call.id.name, call.id.text):
        raise ArmError(
            409,
            "VaultAlreadyExists",
            f"The vault name '{call.id.name}' is already in use. Vault names are globally unique "
            "so it is possible that the name is already taken.",
        )
    _check(call, p)
    if old.get("enablePurgeProtection"):
        p["enablePurgeProtection"] = True
    if not p.get("enableRbacAuthorization") and "accessPolicies" not in p:
        if call.version < "2026-01-01":
            raise ArmError(400, "BadRequest", "The parameter accessPolicies is not specified.")
        p["enableRbacAuthorization"] = True
    if p.get("networkAcls"):
        _firewall(call, p)
    p["enableSoftDelete"] = True  # mandatory since 2025
    p.setdefault("softDeleteRetentionInDays", 90)
    p.setdefault("enabledForDeployment", False)
    p.setdefault("publicNetworkAccess", "Enabled")
    p["privateEndpointConnections"] = old.get("privateEndpointConnections", [])
    p["vaultUri"] = f"https://{call.id.name.lower()}.vault.azure.net/"


def _recover(call: Call) -> None:
    """Restore a soft-deleted vault of that name: its properties, overlaid with those sent."""
    p = call.properties
    deleted = call.state.data.deleted.get(_key(call.id.name))
    if deleted is None:
        return
    if p.pop("createMode", "") != "recover":
        raise ArmError(
            409,
            "ConflictError",
            "A vault with the same name already exists in deleted state. You need to either "
            "recover or purge existing key vault. Follow this link "
            "https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft "
            "delete.",
        )
    call.body["tags"] = call.body.get("tags") or deleted["properties"]["tags"]
    held = call.state.data.contents.get(_key(call.id.name), {})
    call.body["properties"] = {**held, **p}


def _check(call: Call, p: JsonObject) -> None:
    if p["tenantId"] != call.state.tenant_of(call.id.subscription):
        raise ArmError(
            400,
            "BadRequest",
            f"Invalid value found at properties.tenantId: {p['tenantId']} is not the tenant of "
            "the subscription.",
        )
    if p.get("enablePurgeProtection") is False:
        raise ArmError(
            400,
            "BadRequest",
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge '
            "protection for a vault is an irreversible action.",
        )


def _firewall(call: Call, p: JsonObject) -> None:
    """Check and complete the firewall; an open one is not shown."""
    acls = p["networkAcls"]
    must_have_endpoints(call, acls, "Microsoft.KeyVault", "VirtualNetworkNotValid")
    acls.setdefault("bypass", "AzureServices")
    for key in ("virtualNetworkRules", "ipRules"):
        acls.setdefault(key, [])
    for rule in acls["ipRules"]:
        rule["value"] = str(_range(rule["value"]))
    if acls == OPEN:
        del p["networkAcls"]


def _range(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError:
        raise ArmError(
            400, "BadRequest", f"The IP rule '{text}' is neither an IPv4 address nor a range."
        ) from None


def _delete_vault(state: State, rid: ResourceId, body: JsonObject) -> None:
    p = body["properties"]
    now = time.time()
    state.data.deleted[_key(rid.name)] = {
        "id": f"/subscriptions/{rid.subscription}/providers/Microsoft.KeyVault/locations/"
        f"{body['location']}/deletedVaults/{rid.name}",
        "name": rid.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": body["id"],
            "location": body["location"],
            "deletionDate": timestamp(now),
            "scheduledPurgeDate": timestamp(now + 86400 * p.get("softDeleteRetentionInDays", 90)),
            "tags": body.get("tags", {}),
            **({"purgeProtectionEnabled": True} if p.get("enablePurgeProtection") else {}),
        },
    }
    state.data.contents[_key(rid.name)] = p


def _key(name: str) -> str:
    return f"vaults/{name.lower()}"


def _recovered(state: State, rid: ResourceId) -> bool:
    return forget(state, rid.name)


def forget(state: State, name: str) -> bool:
    """End the soft deletion of a vault. Returns whether there was one."""
    state.data.contents.pop(_key(name), None)
    return state.data.deleted.pop(_key(name), None) is not None


def _shown(state: State, vault: JsonObject) -> JsonObject:
    """Private endpoint connections are shown only if there are some."""
    shown = dict(vault["properties"])
    if not shown.get("privateEndpointConnections"):
        shown.pop("privateEndpointConnections", None)
    return {**vault, "properties": shown}


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.KeyVault/vaults",
        _vault,
        7,
        shape=_Vault,
        creates=ArmResponse(200, "", states=("RegisteringDns",)),
        updates=AT_ONCE,
        deletes=GONE_AT_ONCE,
        name=r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        misnamed="VaultNameNotValid",
        delete=_delete_vault,
        recovers=_recovered,
        shown=_shown,
        system_data=True,
        shows_tags=True,
    ),
]
