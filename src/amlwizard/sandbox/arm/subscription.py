"""Requests to a subscription that are about no resource: name checks, quotas, VM sizes,
permissions, policies, deleted vaults."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox import permissions, policies
from amlwizard.sandbox.arm import quotas
from amlwizard.sandbox.arm.operations import Operations
from amlwizard.sandbox.arm.request import ArmRequest, Route, listed
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject, value_at
from amlwizard.sandbox.resource_types import RESOURCE_TYPES
from amlwizard.sandbox.resource_types.aks import DEFAULT_VERSION, VERSIONS
from amlwizard.sandbox.resource_types.global_names import name_available
from amlwizard.sandbox.resource_types.key_vault import forget
from amlwizard.sandbox.resource_types.responses import ArmResponse
from amlwizard.sandbox.resource_types.role_assignments import ROLES
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import Polls

REGION = r"locations/(?P<region>[^/]+)"
VAULTS = r".*/Microsoft.KeyVault/locations/[^/]+/deletedVaults/(?P<name>[^/]+)"

PURGE_SECONDS = 2
PURGED = ArmResponse(
    202,
    "L",
    "",
    polls=Polls(
        status=202, word="NotStarted", tells=("createdDateTime", "lastActionDateTime"), worded=True
    ),
)


class SubscriptionApi:
    def __init__(self, state: State, operations: Operations) -> None:
        self.state, self.operations = state, operations
        self.routes: tuple[Route, ...] = (
            ("POST", r".*/providers/[^/]+/checkNameAvailability", self._name),
            ("GET", rf".*/Microsoft.Compute/{REGION}/usages", self._compute_usage),
            ("GET", rf".*/Microsoft.Network/{REGION}/usages", self._network_usage),
            ("GET", rf".*/Microsoft.MachineLearningServices/{REGION}/usages", self._ml_usage),
            ("GET", r".*/Microsoft.Compute/skus", self._sizes),
            ("GET", VAULTS, self._deleted_vault),
            ("POST", rf"{VAULTS}/purge", self._purge_vault),
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
        )

    def _name(self, request: ArmRequest) -> Response:
        kind = RESOURCE_TYPES.get(str(request.body.get("type", "")).lower())
        if kind is None or not isinstance(request.body.get("name"), str):
            raise ArmError(400, "InvalidRequestContent", "name and type are required.")
        return JSONResponse(name_available(self.state, kind.type, request.body["name"], kind.named))

    def _compute_usage(self, request: ArmRequest, region: str) -> Response:
        return listed(quotas.compute(self.state, region))

    def _network_usage(self, request: ArmRequest, region: str) -> Response:
        return listed(quotas.network(self.state, region))

    def _ml_usage(self, request: ArmRequest, region: str) -> Response:
        return listed(quotas.machine_learning(self.state, region))

    def _sizes(self, request: ArmRequest) -> Response:
        return listed(list(quotas.sizes(self.state, request.query.get("$filter", ""))))

    def _deleted_vault(self, request: ArmRequest, name: str) -> Response:
        return JSONResponse(self._held(name))

    def _deleted_vaults(self, request: ArmRequest) -> Response:
        deleted = self.state.data.deleted
        return listed([v for k, v in deleted.items() if k.startswith("vaults/")])

    def _purge_vault(self, request: ArmRequest, name: str) -> Response:
        held = self._held(name)
        if held["properties"].get("purgeProtectionEnabled"):
            raise ArmError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
        forget(self.state, name)
        began = self.state.begin_operation(held["id"], "purge", PURGE_SECONDS, polls=PURGED.polls)
        return self.operations.begun(request, began, PURGED)

    def _held(self, name: str) -> JsonObject:
        found = self.state.data.deleted.get(f"vaults/{name.lower()}")
        if found is None:
            raise ArmError(
                404,
                "DeletedVaultNotFound",
                f"The specified deleted vault '{name}' does not exist. Ensure that the vault was "
                "indeed deleted and that it is in recoverable state.",
            )
        return found

    def _permissions(self, request: ArmRequest) -> Response:
        return listed(permissions.permissions(self.state))

    def _restrictions(self, request: ArmRequest) -> Response:
        """Evaluate the policies for a resource that is not created yet."""
        content = value_at(request.body, "resourceDetails.resourceContent")
        if not isinstance(content, dict) or not content.get("type"):
            raise ArmError(400, "InvalidCheckRestrictionsRequest", "The type is required.")
        document = {"name": "", **content}
        return JSONResponse(
            {
                "fieldRestrictions": [],
                "contentEvaluationResult": {
                    "policyEvaluations": [
                        {
                            "policyInfo": {
                                "policyDefinitionId": denial["policyDefinitionId"],
                                "policyAssignmentId": denial["policyAssignmentId"],
                            },
                            "evaluationResult": "NonCompliant",
                            "evaluationDetails": denial["evaluationDetails"],
                            "effectDetails": {"policyEffect": "Deny"},
                        }
                        for denial in policies.denials(self.state, document)
                    ]
                },
            }
        )

    def _roles(self, request: ArmRequest) -> Response:
        stem = f"/subscriptions/{self.state.subscription}/providers/Microsoft.Authorization"
        return listed(
            [
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
        )

    def _kubernetes(self, request: ArmRequest) -> Response:
        return JSONResponse(
            {
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
        )

    def _policies(self, request: ArmRequest) -> Response:
        return listed(
            [
                {
                    "id": policies.assignment(self.state, p["name"]),
                    "name": p["name"],
                    "type": "Microsoft.Authorization/policyAssignments",
                    "properties": {
                        "displayName": p["name"],
                        "enforcementMode": "Default",
                        "parameters": {
                            "listOfResourceTypesNotAllowed": {"value": p.get("types", [])}
                        },
                    },
                }
                for p in self.state.data.policies
            ]
        )
