"""Resource providers and their registration."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox import permissions
from amlwizard.sandbox.arm.request import ArmRequest, listed
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.regions import REGIONS
from amlwizard.sandbox.resource_types import RESOURCE_TYPES
from amlwizard.sandbox.state import State

NAMESPACES = sorted({
    "Microsoft.MachineLearningServices", "Microsoft.Storage", "Microsoft.KeyVault",
    "Microsoft.ContainerRegistry", "Microsoft.Network", "Microsoft.Databricks",
    "Microsoft.ContainerService", "Microsoft.KubernetesConfiguration", "Microsoft.Insights",
    "Microsoft.OperationalInsights", "Microsoft.Notebooks", "Microsoft.ManagedIdentity",
    "Microsoft.Compute", "Microsoft.Authorization", "Microsoft.Resources",
    "Microsoft.OperationsManagement", "Microsoft.Features",
})  # fmt: skip
BUILT_IN = {"Microsoft.Authorization", "Microsoft.Resources", "Microsoft.Features"}
REGISTRATION_SECONDS = 90


class Providers:
    def __init__(self, state: State) -> None:
        self.state = state

    def every(self, request: ArmRequest) -> Response:
        return listed([self._shown(request.id.subscription, ns) for ns in NAMESPACES])

    def one(self, request: ArmRequest, namespace: str) -> Response:
        return JSONResponse(self._shown(request.id.subscription, _known(namespace)))

    def change(self, request: ArmRequest, namespace: str, verb: str) -> Response:
        name, subscription = _known(namespace), request.id.subscription
        permissions.require(self.state, f"{name}/{verb}/action", f"/subscriptions/{subscription}")
        states = self.state.data.providers.setdefault(subscription, {})
        if verb.lower() == "unregister":
            states.pop(name, None)
        elif name not in states:
            provider = f"/subscriptions/{subscription}/providers/{name}"
            states[name] = self.state.begin_operation(provider, "register", REGISTRATION_SECONDS)
        return JSONResponse(self._shown(subscription, name))

    def registration(self, subscription: str, namespace: str) -> str:
        """Registered, Registering or NotRegistered."""
        if namespace in BUILT_IN:
            return "Registered"
        name = self.state.data.providers.get(subscription, {}).get(namespace)
        if name is None:
            return "NotRegistered"
        operation = self.state.data.operations.get(name)
        return "Registering" if operation and operation.is_running else "Registered"

    def _shown(self, subscription: str, namespace: str) -> JsonObject:
        self.state.count_poll(f"/subscriptions/{subscription}/providers/{namespace}")
        types = [k for k in RESOURCE_TYPES.values() if k.type.startswith(f"{namespace}/")]
        return {
            "id": f"/subscriptions/{subscription}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": self.registration(subscription, namespace),
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [
                {
                    "resourceType": kind.type.split("/", 1)[1],
                    "locations": ["global"]
                    if kind.location == "global"
                    else self._where(kind.type),
                    "apiVersions": ["2025-01-01"],
                    "capabilities": "None",
                }
                for kind in types
            ],
        }

    def _where(self, kind: str) -> list[str]:
        missing = self.state.data.limits.not_offered.get(kind, [])
        return [region for region in REGIONS if region not in missing]


def _known(namespace: str) -> str:
    """The namespace in its canonical spelling."""
    for known in NAMESPACES:
        if known.lower() == namespace.lower():
            return known
    raise ArmError(
        404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid."
    )
