"""Resource groups, and what is in them."""

from __future__ import annotations

import re

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm import shelf
from amlwizard.sandbox.arm.accounts import region
from amlwizard.sandbox.arm.admission import Admission
from amlwizard.sandbox.arm.asked import Asked, listed
from amlwizard.sandbox.arm.operations import Operations
from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds import KINDS
from amlwizard.sandbox.kinds.base import ArmError, Body
from amlwizard.sandbox.world import World

TYPE = "Microsoft.Resources/resourceGroups"
DELETE_SECONDS = 300
SUMMARY = ("id", "name", "type", "location", "tags", "sku", "kind")


class Groups:
    def __init__(self, world: World, admission: Admission, operations: Operations) -> None:
        self.world, self.admission, self.operations = world, admission, operations

    def every(self, asked: Asked) -> Response:
        return listed([r for r in self.world.resources.values() if r["type"] == TYPE])

    def read(self, asked: Asked, group: str) -> Response:
        found = self._existing(asked)
        return Response(status_code=204) if asked.method == "HEAD" else JSONResponse(found)

    def write(self, asked: Asked, group: str) -> Response:
        self.admission.right("Microsoft.Resources/subscriptions/resourcegroups/write", asked.path)
        found = self.world.get(asked.path)
        location = asked.body.get("location") or (found or {}).get("location")
        if not location:
            raise ArmError(
                400, "LocationRequired", "The location property is required for this definition."
            )
        location = region(location)
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
        self.world.resources[asked.path.lower()] = made
        return JSONResponse(made, 200 if found else 201)

    def delete(self, asked: Asked, group: str) -> Response:
        self._existing(asked)
        for rid in self._inside(asked.path):
            kind, body = KINDS.get(rid.type), self.world.get(rid.text)
            if kind and kind.delete and body:
                kind.delete(self.world, rid, body)
        name = self.world.begin(asked.path, "delete", DELETE_SECONDS)
        return self.operations.begun(asked, name, 202)

    def contents(self, asked: Asked, scope: str, group: str | None = None) -> Response:
        """The tracked resources of a group or subscription; by name or type where asked for."""
        where = asked.query.get("$filter", "")
        name = re.search(r"name eq '([^']+)'", where)
        kind = re.search(r"resourceType eq '([^']+)'", where)
        found: list[Body] = [
            {k: r[k] for k in SUMMARY if k in r}
            for key, r in self.world.resources.items()
            if key.startswith(f"{scope.lower()}/")
            and "location" in r
            and key.count("/") == 8
            and (name is None or r["name"].lower() == name[1].lower())
            and (kind is None or r["type"].lower() == kind[1].lower())
        ]
        return listed(found)

    def _existing(self, asked: Asked) -> Body:
        shelf.must_have_group(self.world, asked.id)
        return self.world.resources[asked.path.lower()]

    def _inside(self, path: str) -> list[ResourceId]:
        return [
            ResourceId.parse(r["id"])
            for key, r in self.world.resources.items()
            if key.startswith(f"{path.lower()}/") and r["id"].count("/") == 8
        ]
