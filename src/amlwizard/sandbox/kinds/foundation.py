"""What the workspace stands on: storage, vault, registry, logs, identities and their roles."""

from __future__ import annotations

import time
import uuid
from typing import Any

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind
from amlwizard.sandbox.kinds.network import find_subnet
from amlwizard.sandbox.world import World


def taken(world: World, kind: str, name: str, own: str = "") -> bool:
    """Whether a name that must be unique in the world is in use, by us or by somebody else."""
    if f"{kind}/{name}".lower() in (text.lower() for text in world.data["taken"]):
        return True
    return any(
        resource["name"].lower() == name.lower() and resource["id"].lower() != own.lower()
        for resource in world.of_type(kind.lower())
    )


def _network_rules(call: Call, acls: Body, service: str, code: str) -> None:
    for rule in acls.get("virtualNetworkRules", []):
        subnet = find_subnet(call.world, rule.get("id"))
        if subnet is None:
            call.must_exist(rule.get("id"), "virtualNetworkRules")
        assert subnet
        services = {e["service"] for e in subnet["properties"].get("serviceEndpoints", [])}
        if service not in services and not rule.get("ignoreMissingVnetServiceEndpoint"):
            vnet = rule["id"].rsplit("/", 2)[0]
            raise ArmError(
                400,
                code,
                "Validation of network acls failure: SubnetsHaveNoServiceEndpointsConfigured:"
                f"Subnets {subnet['name']} of virtual network {vnet} do not have ServiceEndpoints "
                f"for {service} resources configured. Add {service} to subnet's ServiceEndpoints "
                f"collection before trying to ACL {service} resources to these subnets..",
            )


def _storage(call: Call) -> None:
    call.require("sku.name", "kind")
    if taken(call.world, "Microsoft.Storage/storageAccounts", call.id.name, call.id.text):
        raise ArmError(
            409,
            "StorageAccountAlreadyTaken",
            f"The storage account named {call.id.name} is already taken.",
        )
    p = call.properties
    acls = p.setdefault("networkAcls", {"defaultAction": "Allow"})
    acls.setdefault("bypass", "AzureServices")
    _network_rules(call, acls, "Microsoft.Storage", "NetworkAclsValidationFailure")
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


def stamp(at: float | None = None) -> str:
    moment = time.time() if at is None else at
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + ".0000000Z"


def _vault(call: Call) -> None:
    call.require("properties.tenantId", "properties.sku.name")
    p = call.properties
    deleted = call.world.data["deleted"].get(f"vaults/{call.id.name.lower()}")
    if call.old is None and deleted:
        if p.get("createMode") == "recover":
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
        _network_rules(call, acls, "Microsoft.KeyVault", "VirtualNetworkNotValid")
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


def _log_analytics(call: Call) -> None:
    old = (call.old or {}).get("properties", {})
    p = call.properties
    p["customerId"] = old.get("customerId", str(uuid.uuid4()))
    p.setdefault("sku", {"name": "PerGB2018"})
    p.setdefault("retentionInDays", 30)
    p.setdefault("publicNetworkAccessForIngestion", "Enabled")
    p.setdefault("publicNetworkAccessForQuery", "Enabled")


def _component(call: Call) -> None:
    call.require("kind", "properties.Application_Type")
    p = call.properties
    if not p.get("WorkspaceResourceId"):
        raise ArmError(
            400,
            "BadRequest",
            "Classic Application Insights components can no longer be created: "
            "WorkspaceResourceId must name a Log Analytics workspace.",
            "properties.WorkspaceResourceId",
        )
    call.must_exist(p["WorkspaceResourceId"], "properties.WorkspaceResourceId")
    old = (call.old or {}).get("properties", {})
    p["AppId"] = old.get("AppId", str(uuid.uuid4()))
    p["ApplicationId"] = call.id.name
    p["IngestionMode"] = "LogAnalytics"
    p["InstrumentationKey"] = "00000000-0000-0000-0000-000000000000"
    p["CreationDate"] = stamp()
    p["TenantId"] = call.id.subscription


def _identity(call: Call) -> None:
    old = (call.old or {}).get("properties", {})
    call.properties.update(
        tenantId=call.world.tenant,
        principalId=old.get("principalId", str(uuid.uuid4())),
        clientId=old.get("clientId", str(uuid.uuid4())),
    )


ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
}


def _role_assignment(call: Call) -> None:
    call.require("properties.roleDefinitionId", "properties.principalId")
    p = call.properties
    known = [
        i["properties"]["principalId"]
        for i in call.world.of_type("microsoft.managedidentity/userassignedidentities")
    ]
    known += [call.world.data["person"]["oid"], *call.world.data["principals"]]
    known += [
        r["identity"]["principalId"]
        for r in call.world.resources.values()
        if (r.get("identity") or {}).get("principalId")
    ]
    if p["principalId"] not in known:
        raise ArmError(
            400,
            "PrincipalNotFound",
            f"Principal {p['principalId'].replace('-', '')} does not exist in the directory "
            f"{call.world.tenant}. Check that you have the correct principal ID. If you are "
            "creating this principal and then immediately assigning a role, this error might be "
            "related to a replication delay.",
        )
    if p["roleDefinitionId"].rsplit("/", 1)[-1] not in ROLES.values():
        raise ArmError(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{p['roleDefinitionId'].rsplit('/', 1)[-1]}' "
            "does not exist.",
        )
    if call.old and call.old["properties"]["principalId"] != p["principalId"]:
        raise ArmError(
            400,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )
    for other in call.world.of_type("microsoft.authorization/roleassignments"):
        same = all(
            other["properties"][key].lower() == p[key].lower()
            for key in ("principalId", "roleDefinitionId")
        )
        if (
            same
            and other["properties"]["scope"].lower() == call.id.scope.lower()
            and other["id"].lower() != call.id.text.lower()
        ):
            raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")
    p["scope"] = call.id.scope
    p.setdefault("principalType", "ServicePrincipal")


def has_role(world: World, principal: str, scope: str, *roles: str) -> bool:
    """Whether a principal holds one of the roles at a scope, or above it."""
    wanted = {ROLES[role] for role in roles}
    return any(
        a["properties"]["principalId"] == principal
        and a["properties"]["roleDefinitionId"].rsplit("/", 1)[-1] in wanted
        and f"{scope.lower()}/".startswith(f"{a['properties']['scope'].lower()}/")
        for a in world.of_type("microsoft.authorization/roleassignments")
    )


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
    Kind("Microsoft.ContainerRegistry/registries", _registry, 25, name=r"[A-Za-z0-9]{5,50}"),
    Kind(
        "Microsoft.OperationalInsights/workspaces",
        _log_analytics,
        20,
        name=r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    ),
    Kind("Microsoft.Insights/components", _component, 0, accepts=200, delete_seconds=0),
    Kind(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        _identity,
        0,
        states=False,
        delete_seconds=0,
    ),
    Kind(
        "Microsoft.Authorization/roleAssignments",
        _role_assignment,
        0,
        location="",
        states=False,
        name=r"[0-9a-fA-F-]{36}",
        delete_seconds=0,
        delete_answers=True,
        patch=False,
    ),
]


def name_available(world: World, kind: str, name: str, pattern: Any) -> Body:
    if not pattern(name):
        return {
            "nameAvailable": False,
            "reason": "AccountNameInvalid",
            "message": f"{name} is not a valid name.",
        }
    held = kind.lower().endswith("vaults") and f"vaults/{name.lower()}" in world.data["deleted"]
    if held or taken(world, kind, name):
        return {
            "nameAvailable": False,
            "reason": "AlreadyExists",
            "message": f"The name {name} is already taken.",
        }
    return {"nameAvailable": True}
