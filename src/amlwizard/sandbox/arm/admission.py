"""What ARM checks before the resource provider sees a request."""

from __future__ import annotations

from amlwizard.sandbox import child_documents, permissions
from amlwizard.sandbox.arm.providers import Providers
from amlwizard.sandbox.arm.request import ArmRequest
from amlwizard.sandbox.arm_error import ArmError, retryable
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.regions import region
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import ResourceType
from amlwizard.sandbox.resource_types.locks import TYPE as LOCKS
from amlwizard.sandbox.resource_types.locks import must_be_unlocked
from amlwizard.sandbox.state import State

BUSY_SECONDS = 12


class Admission:
    def __init__(self, state: State, providers: Providers) -> None:
        self.state, self.providers = state, providers

    def check_version(self, kind: ResourceType, version: str) -> None:
        if not kind.versions[0] <= version <= kind.versions[1]:
            raise ArmError(
                400,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for API version '{version}' and type "
                f"'{kind.type}'.",
            )

    def check_write(self, rid: ResourceId, kind: ResourceType) -> None:
        """Check registration, permissions, locks and the name."""
        namespace = kind.type.split("/")[0]
        if self.providers.registration(rid.subscription, namespace) != "Registered":
            message = f"The subscription is not registered to use namespace '{namespace}'."
            raise ArmError(
                409,
                "MissingSubscriptionRegistration",
                f"{message} See https://aka.ms/rps-not-found for how to register subscriptions.",
                details=[
                    {
                        "code": "MissingSubscriptionRegistration",
                        "target": namespace,
                        "message": message,
                    }
                ],
            )
        self.check_permission(f"{kind.type}/write", rid.text)
        if kind.type != LOCKS:
            must_be_unlocked(self.state, rid.text, "write")
        if not kind.named(rid.name):
            raise ArmError(400, kind.misnamed, f"Resource name {rid.name} is invalid.")

    def check_group(self, rid: ResourceId) -> None:
        """Refuse writes to a resource group that is being deleted."""
        group = self.state.get(f"/subscriptions/{rid.subscription}/resourceGroups/{rid.group}")
        if group and group["properties"]["provisioningState"] == "Deleting":
            raise ArmError(
                409,
                "ResourceGroupBeingDeleted",
                f"The resource group '{rid.group}' is in deprovisioning state and cannot perform "
                "this operation.",
            )

    def check_preconditions(self, request: ArmRequest, document: JsonObject | None) -> None:
        """Check the conditional headers `If-Match` and `If-None-Match: *`."""
        given, current = request.headers.get("if-match"), (document or {}).get("etag")
        mismatch = given not in (None, "", "*") and (not current or _tag(given) != _tag(current))
        if mismatch or (document and request.headers.get("if-none-match") == "*"):
            raise ArmError(
                412,
                "PreconditionFailed",
                f"The resource {request.id.name} has been modified (etag mismatch).",
            )

    def check_deletion(self, rid: ResourceId, kind: ResourceType) -> None:
        """Check permissions and locks."""
        self.check_permission(f"{kind.type}/delete", rid.text)
        if kind.type != LOCKS:
            must_be_unlocked(self.state, rid.text, "delete")

    def check_permission(self, action: str, scope: str) -> None:
        """Refuse what the user lacks permission for, and what a deny assignment forbids in a
        managed resource group."""
        permissions.require(self.state, action, scope)

    def check_not_busy(self, rid: ResourceId, version: str) -> None:
        """Refuse while another operation runs on the resource or on its parent document.
        Microsoft.Network asks clients to retry if it is the same resource."""
        holder = child_documents.holder(rid)
        running = self.state.running_operation(holder)
        if not running:
            return
        self.state.count_poll(holder)  # a refused request counts as a poll
        operation = self.state.data.operations[running]
        same = operation.of.lower() in (rid.text.lower(), holder.lower())
        if same and rid.namespace == "microsoft.network" and operation.verb == "put":
            raise retryable(
                "RetryableErrorDueToAnotherOperation",
                f"Operation {running} is updating resource {holder}. The call can be retried in "
                f"{BUSY_SECONDS} seconds.",
                BUSY_SECONDS,
            )
        raise ArmError(
            409,
            "AnotherOperationInProgress",
            "Another operation on this or dependent resource is in progress. To retrieve "
            f"status of the operation use uri: {self.state.arm}/subscriptions/"
            f"{rid.subscription}/providers/{rid.namespace}/locations/westeurope/"
            f"operationStatuses/{running}?api-version={version}.",
        )

    def set_location(
        self, kind: ResourceType, wanted: JsonObject, old: JsonObject | None, rid: ResourceId
    ) -> None:
        """Normalize the location: required, known, and immutable."""
        if not kind.location:
            return
        given = wanted.get("location") or (old or {}).get("location")
        if not given:
            raise ArmError(
                400, "LocationRequired", "The location property is required for this definition."
            )
        if kind.location == "global":
            if given.lower() != "global":
                raise ArmError(
                    400,
                    "LocationNotAvailableForResourceType",
                    f"The provided location '{given}' is not available for resource type "
                    f"'{kind.type}'. List of available regions for the resource type is 'global'.",
                )
            wanted["location"] = "global"
            return
        location = region(given)
        if location in self.state.data.limits.not_offered.get(kind.type, []):
            raise ArmError(
                400,
                "LocationNotAvailableForResourceType",
                f"The provided location '{given}' is not available for resource type "
                f"'{kind.type}'.",
            )
        if old and old["location"].lower() != location:
            raise ArmError(
                409,
                "InvalidResourceLocation",
                f"The resource '{rid.name}' already exists in location '{old['location']}' in "
                f"resource group '{rid.group}'. A resource with the same name cannot be created "
                f"in location '{location}'. Please select a new resource name.",
            )
        wanted["location"] = location


def _tag(text: str) -> str:
    return text.removeprefix("W/").strip('"')
