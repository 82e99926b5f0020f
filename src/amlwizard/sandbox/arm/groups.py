"""Resource groups, and what is in them."""

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

Inside = tuple[ResourceId, ResourceType, JsonObject]  # something that is in a group
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

    def every(self, asked: ArmRequest) -> Response:
        return listed([r for r in self.state.resources.values() if r["type"] == TYPE])

    def read(self, asked: ArmRequest, group: str) -> Response:
        found = self._existing(asked)
        return Response(status_code=204) if asked.method == "HEAD" else JSONResponse(found)

    def write(self, asked: ArmRequest, group: str) -> Response:
        self.admission.right("Microsoft.Resources/subscriptions/resourcegroups/write", asked.path)
        must_be_unlocked(self.state, asked.path, "write")
        must_fit(Document, asked.body)
        found = self.state.get(asked.path)
        location = asked.body.get("location") or (found or {}).get("location")
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
            "id": asked.path,
            "name": group,
            "type": TYPE,
            "location": location,
            "tags": asked.body.get("tags", (found or {}).get("tags", {})),
            "properties": {"provisioningState": "Succeeded"},
        }
        must_comply(self.state, {**made, "type": POLICY_TYPE})
        self.state.resources[asked.path.lower()] = made
        return JSONResponse(made, 200 if found else 201)

    def delete(self, asked: ArmRequest, group: str) -> Response:
        """All that is in the group goes with it, unless something outside of it is in the way."""
        found = self._existing(asked)
        self.admission.right("Microsoft.Resources/subscriptions/resourcegroups/delete", asked.path)
        must_be_unlocked(self.state, asked.path, "delete")
        self.admission.free(asked.id, asked.version)
        inside = self._inside(asked.path)
        blocked = self._blocked(asked.path, inside)
        if blocked is None:
            for rid, kind, body in inside:
                self.services.release(rid)
                if kind.retains:
                    kind.retains(self.state, rid, body)
                if kind.delete:
                    kind.delete(self.state, rid, body)
            found["properties"]["provisioningState"] = "Deleting"
        name = self.state.begin(asked.path, "delete", DELETE_SECONDS, blocked, polls=DELETES.polls)
        return self.operations.begun(asked, name, DELETES)

    def _blocked(self, path: str, inside: list[Inside]) -> JsonObject | None:
        """How the operation fails where what is outside of the group uses what is in it."""
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

    def contents(self, asked: ArmRequest, scope: str, group: str | None = None) -> Response:
        """The tracked resources of a group or subscription; by name or type where asked for."""
        where = asked.query.get("$filter", "")
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

    def _existing(self, asked: ArmRequest) -> JsonObject:
        store.must_have_group(self.state, asked.id)
        return self.state.resources[asked.path.lower()]

    def _inside(self, path: str) -> list[Inside]:
        return [
            (rid, RESOURCE_TYPES[rid.type], body)
            for key, body in self.state.resources.items()
            if key.startswith(f"{path.lower()}/")
            and (rid := ResourceId.parse(body["id"])).type in RESOURCE_TYPES
        ]
