"""Why ARM refuses a request before the type of the resource has its say."""

from __future__ import annotations

from collections.abc import Mapping

from amlwizard.sandbox import rights
from amlwizard.sandbox.arm.accounts import region
from amlwizard.sandbox.arm.providers import Providers
from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds.base import ArmError, Body, Kind
from amlwizard.sandbox.kinds.locks import TYPE as LOCKS
from amlwizard.sandbox.kinds.locks import must_be_unlocked
from amlwizard.sandbox.world import World


class Admission:
    def __init__(self, world: World, providers: Providers) -> None:
        self.world, self.providers = world, providers

    def version(self, kind: Kind, version: str) -> None:
        if not kind.versions[0] <= version <= kind.versions[1]:
            raise ArmError(
                400,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for API version '{version}' and type "
                f"'{kind.type}'.",
            )

    def write(self, rid: ResourceId, kind: Kind) -> None:
        """Registration, rights, policies, the name."""
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
        self.right(f"{kind.type}/write", rid.text)
        must_be_unlocked(self.world, rid.text, "write")
        self._policies(kind.type, rid)
        if not kind.named(rid.name):
            raise ArmError(400, kind.misnamed, f"Resource name {rid.name} is invalid.")

    def deletion(self, rid: ResourceId, kind: Kind, query: Mapping[str, str]) -> None:
        """Rights, locks, and the parameters that the deletion must have."""
        self.right(f"{kind.type}/delete", rid.text)
        if kind.type != LOCKS:
            must_be_unlocked(self.world, rid.text, "delete")
        for name in kind.delete_needs:
            if not query.get(name):
                raise ArmError(
                    400, "MissingRequiredParameter", f"The query parameter {name} is required."
                )

    def right(self, action: str, scope: str) -> None:
        """Refuse what the signed-in person was not given the right to do, and what nobody is
        allowed to do in the group that a service manages."""
        rights.must(self.world, action, scope)

    def free(self, holder: str, version: str) -> None:
        """Refuse while another operation holds the resource `holder`."""
        rid = ResourceId.parse(holder)
        running = self.world.running(holder)
        if running:
            raise ArmError(
                409,
                "AnotherOperationInProgress",
                "Another operation on this or dependent resource is in progress. To retrieve "
                f"status of the operation use uri: {self.world.arm}/subscriptions/"
                f"{rid.subscription}/providers/{rid.namespace}/locations/westeurope/"
                f"operationStatuses/{running}?api-version={version}.",
            )

    def place(self, kind: Kind, wanted: Body, old: Body | None, rid: ResourceId) -> None:
        """The location: required, known, and never changed."""
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
        if location in self.world.data["limits"].get("not_offered", {}).get(kind.type, []):
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

    def _policies(self, kind: str, rid: ResourceId) -> None:
        for policy in self.world.data["policies"]:
            if kind.lower() in (t.lower() for t in policy["types"]):
                raise ArmError(
                    403,
                    "RequestDisallowedByPolicy",
                    f"Resource '{rid.name}' was disallowed by policy. Policy identifiers: "
                    f'\'[{{"policyAssignment":{{"name":"{policy["name"]}"}}}}]\'.',
                )
