"""Resource groups and their contents."""

from __future__ import annotations

import re
from dataclasses import replace

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm import store
from amlwizard.sandbox.arm.admission import Admission
from amlwizard.sandbox.arm.operations import Operations
from amlwizard.sandbox.arm.request import ArmRequest, listed
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.policies import GROUP as POLICY_TYPE
from amlwizard.sandbox.policies import must_comply
from amlwizard.sandbox.regions import region
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types import RESOURCE_TYPES
from amlwizard.sandbox.resource_types.base import ResourceType, Services
from amlwizard.sandbox.resource_types.locks import must_be_unlocked
from amlwizard.sandbox.resource_types.responses import DELETED
from amlwizard.sandbox.resource_types.shapes import Document, must_fit
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import Polls

Inside = tuple[ResourceId, ResourceType, JsonObject]  # a resource of the group
TYPE = "Microsoft.Resources/resourceGroups"
DELETE_SECONDS = 61
DELETES = replace(DELETED, headers="L", polls=Polls())
SUMMARY = ("id", "name", "type", "location", "tags", "sku", "kind")


class Groups:
    def __init__(
        self, state: State, services: Services, admission: Admission, operations: Operations
    ) -> None:
        self.state, self.services = state, services
        self.admission, self.operations = admission, operations

    def every(self, request: ArmRequest) -> Response:
        return listed([r for r in self.state.resources.values() if r["type"] == TYPE])

    def read(self, request: ArmRequest, group: str) -> Response:
        found = self._existing(request)
        return Response(status_code=204) if request.method == "HEAD" else JSONResponse(found)

    def write(self, request: ArmRequest, group: str) -> Response:
        self.admission.check_permission(
            "Microsoft.Resources/subscriptions/resourcegroups/write", request.path
        )
        must_be_unlocked(self.state, request.path, "write")
        must_fit(Document, request.body)
        found = self.state.get(request.path)
        location = request.body.get("location") or (found or {}).get("location")
        if not location:
            raise ArmError(
                400, "LocationRequired", "The location property is required for this definition."
            )
        location = region(location, "LocationNotAvailableForResourceGroup")
        if found and found["location"] != location:
            raise ArmError(
                409,
                "InvalidResourceGroupLocation",
                f"Invalid resource group location '{location}'. The Resource group already exists "
                f"in location '{found['location']}'.",
            )
        if not re.fullmatch(r"[\w().-]{0,89}[\w()-]", group):
            raise ArmError(
                400, "InvalidResourceGroup", f"The resource group name {group} is not valid."
            )
        made = {
            "id": request.path,
            "name": group,
            "type": TYPE,
            "location": location,
            "tags": request.body.get("tags", (found or {}).get("tags", {})),
            "properties": {"provisioningState": "Succeeded"},
        }
        must_comply(self.state, {**made, "type": POLICY_TYPE})
        self.state.resources[request.path.lower()] = made
        return JSONResponse(made, 200 if found else 201)

    def delete(self, request: ArmRequest, group: str) -> Response:
        """Delete the group with all its resources, unless a resource outside still uses one of them."""
        found = self._existing(request)
        self.admission.check_permission(
            "Microsoft.Resources/subscriptions/resourcegroups/delete", request.path
        )
        must_be_unlocked(self.state, request.path, "delete")
        self.admission.check_not_busy(request.id, request.version)
        inside = self._inside(request.path)
        blocked = self._blocked(request.path, inside)
        if blocked is None:
            for rid, kind, body in inside:
                self.services.release(rid)
                if kind.retains:
                    kind.retains(self.state, rid, body)
                if kind.delete:
                    kind.delete(self.state, rid, body)
            found["properties"]["provisioningState"] = "Deleting"
        name = self.state.begin_operation(
            request.path, "delete", DELETE_SECONDS, blocked, polls=DELETES.polls
        )
        return self.operations.begun(request, name, DELETES)

    def _blocked(self, path: str, inside: list[Inside]) -> JsonObject | None:
        """The error of the operation if resources outside the group use resources in it, else None."""
        outside = self.state.without(path)
        details = []
        for rid, kind, body in inside:
            try:
                if kind.blocked:
                    kind.blocked(outside, rid, body)
            except ArmError as why:
                details.append({"code": why.code, "target": rid.text, "message": why.message})
        if not details:
            return None
        names = ",".join(detail["target"].partition("/providers/")[2] for detail in details)
        return {
            "code": "ResourceGroupDeletionBlocked",
            "message": f"Deletion of resource group '{path.rpartition('/')[2]}' failed as "
            f"resources with identifiers '{names}' could not be deleted. The provisioning state of "
            "the resource group will be rolled back. Please check audit logs for more details.",
            "details": details,
        }

    def contents(self, request: ArmRequest, scope: str, group: str | None = None) -> Response:
        """The tracked resources of a group or subscription, filtered by name or type."""
        where = request.query.get("$filter", "")
        name = re.search(r"name eq '([^']+)'", where)
        kind = re.search(r"resourceType eq '([^']+)'", where)
        found: list[JsonObject] = [
            {k: r[k] for k in SUMMARY if k in r}
            for key, r in self.state.resources.items()
            if key.startswith(f"{scope.lower()}/")
            and "location" in r
            and key.count("/") == 8
            and (name is None or r["name"].lower() == name[1].lower())
            and (kind is None or r["type"].lower() == kind[1].lower())
        ]
        return listed(found)

    def _existing(self, request: ArmRequest) -> JsonObject:
        store.must_have_group(self.state, request.id)
        return self.state.resources[request.path.lower()]

    def _inside(self, path: str) -> list[Inside]:
        return [
            (rid, RESOURCE_TYPES[rid.type], body)
            for key, body in self.state.resources.items()
            if key.startswith(f"{path.lower()}/")
            and (rid := ResourceId.parse(body["id"])).type in RESOURCE_TYPES
        ]
