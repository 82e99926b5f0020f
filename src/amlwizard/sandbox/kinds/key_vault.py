"""Microsoft.KeyVault/vaults, and what stays of them when they are deleted."""

from __future__ import annotations

import time

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.kinds.global_names import taken
from amlwizard.sandbox.kinds.network.service_endpoints import must_have_endpoints
from amlwizard.sandbox.kinds.timestamps import stamp
from amlwizard.sandbox.world import World


def _vault(call: Call) -> None:
    call.require("properties.tenantId", "properties.sku.name")
    p = call.properties
    deleted = call.world.data["deleted"].get(f"vaults/{call.id.name.lower()}")
    if call.old is None and deleted:
        if p.get("createMode") == "recover":
            call.body["tags"] = call.body.get("tags") or deleted["properties"]["tags"]
            del call.world.data["deleted"][f"vaults/{call.id.name.lower()}"]
        else:
            raise ArmError(
                409,
                "ConflictError",
                "A vault with the same name already exists in deleted state. You need to either "
                "recover or purge existing key vault. Follow this link "
                "https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft "
                "delete.",
            )
    if taken(call.world, "Microsoft.KeyVault/vaults", call.id.name, call.id.text):
        raise ArmError(
            409,
            "VaultAlreadyExists",
            f"The vault name '{call.id.name}' is already in use. Vault names are globally unique "
            "so it is possible that the name is already taken.",
        )
    if p["tenantId"] != call.world.tenant_of(call.id.subscription):
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
    old = (call.old or {}).get("properties", {})
    if old.get("enablePurgeProtection"):
        p["enablePurgeProtection"] = True
    if not p.get("enableRbacAuthorization") and "accessPolicies" not in p:
        if call.version < "2026-01-01":
            raise ArmError(400, "BadRequest", "The parameter accessPolicies is not specified.")
        p["enableRbacAuthorization"] = True
    acls = p.get("networkAcls")
    if acls:
        must_have_endpoints(call, acls, "Microsoft.KeyVault", "VirtualNetworkNotValid")
        acls.setdefault("bypass", "AzureServices")
        for key in ("virtualNetworkRules", "ipRules"):
            acls.setdefault(key, [])
    p.setdefault("enableSoftDelete", True)
    p.setdefault("softDeleteRetentionInDays", 90)
    p.setdefault("privateEndpointConnections", old.get("privateEndpointConnections", []))
    p["vaultUri"] = f"https://{call.id.name.lower()}.vault.azure.net/"


def _delete_vault(world: World, rid: ResourceId, body: Body) -> None:
    p = body["properties"]
    now = time.time()
    world.data["deleted"][f"vaults/{rid.name.lower()}"] = {
        "id": f"/subscriptions/{rid.subscription}/providers/Microsoft.KeyVault/locations/"
        f"{body['location']}/deletedVaults/{rid.name}",
        "name": rid.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": body["id"],
            "location": body["location"],
            "deletionDate": stamp(now),
            "scheduledPurgeDate": stamp(now + 86400 * p["softDeleteRetentionInDays"]),
            "purgeProtectionEnabled": bool(p.get("enablePurgeProtection")),
            "tags": body.get("tags", {}),
        },
    }


KINDS = [
    Kind(
        "Microsoft.KeyVault/vaults",
        _vault,
        35,
        begun=("RegisteringDns", "RegisteringDns"),
        name=r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        misnamed="VaultNameNotValid",
        delete=_delete_vault,
        delete_seconds=0,
    ),
]
