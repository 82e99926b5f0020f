"""What a subscription answers beside its resources: names, quotas, sizes, permissions, deleted
vaults and workspaces."""

from __future__ import annotations

import re
from typing import Any

from amlwizard.sandbox import quotas, rights
from amlwizard.sandbox.kinds import KINDS
from amlwizard.sandbox.kinds.aks import DEFAULT_VERSION, VERSIONS
from amlwizard.sandbox.kinds.base import ArmError, Body
from amlwizard.sandbox.kinds.global_names import name_available
from amlwizard.sandbox.kinds.role_assignments import ROLES
from amlwizard.sandbox.world import World

Answer = tuple[int, Any]
REGION = r"locations/(?P<region>[^/]+)"


class Subscription:
    def __init__(self, world: World) -> None:
        self.world, self.where = world, ""

    def handle(self, method: str, path: str, body: Body, where: str) -> Answer | None:
        """The answer to a path that is no resource; None where it is one. `where` is the $filter."""
        self.where = where
        for verb, pattern, answer in (
            ("POST", r".*/providers/(?P<ns>[^/]+)/checkNameAvailability", self._name),
            ("GET", rf".*/Microsoft.Compute/{REGION}/usages", self._compute_usage),
            ("GET", rf".*/Microsoft.Network/{REGION}/usages", self._network_usage),
            ("GET", rf".*/Microsoft.MachineLearningServices/{REGION}/usages", self._ml_usage),
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
            ("POST", r".*/Microsoft.PolicyInsights/checkPolicyRestrictions", self._restrictions),
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

    def _compute_usage(self, body: Body, region: str) -> Answer:
        return 200, {"value": quotas.compute(self.world, region)}

    def _network_usage(self, body: Body, region: str) -> Answer:
        return 200, {"value": quotas.network(self.world, region)}

    def _ml_usage(self, body: Body, region: str) -> Answer:
        return 200, {"value": quotas.machine_learning(self.world, region)}

    def _sizes(self, body: Body) -> Answer:
        return 200, {"value": list(quotas.sizes(self.world, self.where))}

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
        return 200, {"value": rights.permissions(self.world)}

    def _restrictions(self, body: Body) -> Answer:
        """What the policies say of a resource that is about to be written."""
        content = (body.get("resourceDetails") or {}).get("resourceContent") or {}
        if not content.get("type"):
            raise ArmError(400, "InvalidCheckRestrictionsRequest", "The type is required.")
        return 200, {
            "fieldRestrictions": [],
            "contentEvaluationResult": {
                "policyEvaluations": [
                    {
                        "policyInfo": {
                            "policyDefinitionId": "/providers/Microsoft.Authorization/"
                            "policyDefinitions/6c112d4e-5bc7-47ae-a041-ea2d9dccd749",
                            "policyAssignmentId": self._assignment(policy["name"]),
                        },
                        "evaluationResult": "NonCompliant",
                        "evaluationDetails": {"evaluatedExpressions": []},
                        "effectDetails": {"policyEffect": "Deny"},
                    }
                    for policy in self.world.data["policies"]
                    if content["type"].lower() in (kind.lower() for kind in policy["types"])
                ]
            },
        }

    def _assignment(self, name: str) -> str:
        stem = f"/subscriptions/{self.world.subscription}/providers/Microsoft.Authorization"
        return f"{stem}/policyAssignments/{name}"

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
                    "id": self._assignment(p["name"]),
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
