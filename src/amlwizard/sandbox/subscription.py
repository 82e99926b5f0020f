"""What a subscription answers beside its resources: names, quotas, sizes, permissions, deleted
vaults and workspaces."""

from __future__ import annotations

import re
from typing import Any

from amlwizard.sandbox.kinds import KINDS
from amlwizard.sandbox.kinds.aks import SIZES, cores_used
from amlwizard.sandbox.kinds.base import ArmError, Body
from amlwizard.sandbox.kinds.foundation import ROLES, name_available
from amlwizard.sandbox.world import World

Answer = tuple[int, Any]


class Subscription:
    def __init__(self, world: World) -> None:
        self.world = world

    def handle(self, method: str, path: str, body: Body) -> Answer | None:
        """The answer to a path that is no resource; None where it is one."""
        for verb, pattern, answer in (
            ("POST", r".*/providers/(?P<ns>[^/]+)/checkNameAvailability", self._name),
            ("GET", r".*/Microsoft.Compute/locations/[^/]+/usages", self._compute_usage),
            ("GET", r".*/Microsoft.Network/locations/[^/]+/usages", self._network_usage),
            ("GET", r".*/Microsoft.Compute/skus", self._sizes),
            (
                "GET",
                r".*/Microsoft.KeyVault/locations/[^/]+/deletedVaults/(?P<name>[^/]+)",
                self._deleted_vault,
            ),
            (
                "POST",
                r".*/Microsoft.KeyVault/locations/[^/]+/deletedVaults/(?P<name>[^/]+)/purge",
                self._purge_vault,
            ),
            ("GET", r".*/Microsoft.KeyVault/deletedVaults", self._deleted_vaults),
            ("GET", r".*/Microsoft.Authorization/permissions", self._permissions),
            ("GET", r".*/Microsoft.Authorization/roleDefinitions", self._roles),
            (
                "GET",
                r".*/Microsoft.ContainerService/locations/[^/]+/kubernetesVersions",
                self._kubernetes,
            ),
            ("GET", r".*/Microsoft.Authorization/policyAssignments", self._policies),
        ):
            matched = re.fullmatch(pattern, path, re.IGNORECASE)
            if matched and method == verb:
                return answer(body=body, **matched.groupdict())
        return None

    def _name(self, body: Body, ns: str) -> Answer:
        kind = KINDS.get(str(body.get("type", "")).lower())
        if kind is None or not isinstance(body.get("name"), str):
            raise ArmError(400, "InvalidRequestContent", "name and type are required.")
        return 200, name_available(self.world, kind.type, body["name"], kind.named)

    def _compute_usage(self, body: Body) -> Answer:
        limit = self.world.data["limits"].get("cores", 100)
        family = self.world.data["limits"].get("family_cores", limit)
        used = cores_used(self.world)
        return 200, {
            "value": [
                _usage("cores", "Total Regional vCPUs", used, limit),
                _usage("standardDSv2Family", "Standard DSv2 Family vCPUs", used, family),
            ]
        }

    def _network_usage(self, body: Body) -> Answer:
        used = sum(1 for _ in self.world.of_type("microsoft.network/publicipaddresses"))
        limit = self.world.data["limits"].get("PublicIPAddresses", 1000)
        return 200, {"value": [_usage("PublicIPAddresses", "Public IP Addresses", used, limit)]}

    def _sizes(self, body: Body) -> Answer:
        missing = self.world.data["limits"].get("sizes_not_offered", [])
        return 200, {
            "value": [
                {
                    "resourceType": "virtualMachines",
                    "name": size,
                    "family": "standardDSv2Family",
                    "locations": ["westeurope"],
                    "capabilities": [{"name": "vCPUs", "value": str(cores)}],
                    "restrictions": [
                        {
                            "type": "Location",
                            "values": ["westeurope"],
                            "reasonCode": "NotAvailableForSubscription",
                        }
                    ]
                    if size in missing
                    else [],
                }
                for size, cores in SIZES.items()
            ]
        }

    def _deleted_vault(self, body: Body, name: str) -> Answer:
        found = self.world.data["deleted"].get(f"vaults/{name.lower()}")
        if found is None:
            raise ArmError(404, "DeletedVaultNotFound", f"The vault {name} is not a deleted one.")
        return 200, found

    def _deleted_vaults(self, body: Body) -> Answer:
        deleted = self.world.data["deleted"]
        return 200, {"value": [v for k, v in deleted.items() if k.startswith("vaults/")]}

    def _purge_vault(self, body: Body, name: str) -> Answer:
        found = self.world.data["deleted"].get(f"vaults/{name.lower()}")
        if found is None:
            raise ArmError(404, "DeletedVaultNotFound", f"The vault {name} is not a deleted one.")
        if found["properties"]["purgeProtectionEnabled"]:
            raise ArmError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
        del self.world.data["deleted"][f"vaults/{name.lower()}"]
        return 200, None

    def _permissions(self, body: Body) -> Answer:
        allowed = self.world.data["allowed"]
        actions = ["*"] if allowed is None else [a.replace(".*", "*") for a in allowed]
        return 200, {
            "value": [
                {"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}
            ]
        }

    def _roles(self, body: Body) -> Answer:
        stem = f"/subscriptions/{self.world.subscription}/providers/Microsoft.Authorization"
        return 200, {
            "value": [
                {
                    "id": f"{stem}/roleDefinitions/{guid}",
                    "name": guid,
                    "type": "Microsoft.Authorization/roleDefinitions",
                    "properties": {
                        "roleName": role,
                        "type": "BuiltInRole",
                        "description": role,
                        "assignableScopes": ["/"],
                        "permissions": [],
                    },
                }
                for role, guid in ROLES.items()
            ]
        }

    def _kubernetes(self, body: Body) -> Answer:
        from amlwizard.sandbox.kinds.aks import DEFAULT_VERSION, VERSIONS

        return 200, {
            "values": [
                {
                    "version": v,
                    "isDefault": v == DEFAULT_VERSION,
                    "isPreview": False,
                    "patchVersions": {f"{v}.1": {"upgrades": []}},
                    "capabilities": {"supportPlan": ["KubernetesOfficial"]},
                }
                for v in VERSIONS
            ]
        }

    def _policies(self, body: Body) -> Answer:
        return 200, {
            "value": [
                {
                    "id": f"/subscriptions/{self.world.subscription}/providers/Microsoft.Authorization/policyAssignments/{p['name']}",
                    "name": p["name"],
                    "type": "Microsoft.Authorization/policyAssignments",
                    "properties": {
                        "displayName": p["name"],
                        "enforcementMode": "Default",
                        "parameters": {"listOfResourceTypesNotAllowed": {"value": p["types"]}},
                    },
                }
                for p in self.world.data["policies"]
            ]
        }


def _usage(name: str, text: str, used: int, limit: int) -> Body:
    return {
        "name": {"value": name, "localizedValue": text},
        "currentValue": used,
        "limit": limit,
        "unit": "Count",
    }
