"""The declaration of a resource type, and the arguments of its handlers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from amlwizard.sandbox.arm_error import ArmError, Refusal, retryable, wrapped
from amlwizard.sandbox.documents import JsonObject, JsonValue, value_at
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.responses import CREATED, DELETED, UPDATED, ArmResponse
from amlwizard.sandbox.resource_types.shapes import Document, ShapeClass
from amlwizard.sandbox.state import State

UPDATE_SHARE = 0.2  # of the time that a creation takes


class Ports(Protocol):
    def port_of(self, service: str, resource_id: str) -> int:
        """The port that stands for the host name of a resource's service."""


class ModelRegistry(Protocol):
    """Models of a workspace, as ARM shows them; `guid` is the workspace's."""

    async def models(self, guid: str, workspace_id: str) -> list[JsonObject]: ...

    async def model_versions(self, guid: str, workspace_id: str, name: str) -> list[JsonObject]: ...


class Log(Protocol):
    def tail(self, lines: int) -> str: ...


class Deployments(Protocol):
    """The containers of online deployments."""

    async def deploy(self, rid: ResourceId, workspace: JsonObject, deployment: JsonObject) -> None:
        """Bring a deployment up; raises OperationError with what Azure would say."""

    def uri(self, endpoint: ResourceId, compute: JsonObject) -> str:
        """Where an endpoint is scored."""

    def log(self, deployment_id: str) -> Log: ...


@dataclass(frozen=True)
class Services:
    """The services that handlers use. `release` stops everything that runs for a resource that is
    being deleted."""

    ports: Ports
    models: ModelRegistry
    deployments: Deployments
    release: Callable[[ResourceId], None]


@dataclass
class Call:
    """A write or an action. A handler validates `body` (raising ArmError) and adds what the service
    adds; the result is what GET returns. `fails` is the error with which the operation ends, `work`
    runs during the operation."""

    state: State
    services: Services
    id: ResourceId
    body: JsonObject
    old: JsonObject | None
    version: str
    principal: JsonObject
    fails: JsonObject | None = None
    work: Coroutine[object, object, None] | None = None

    @property
    def properties(self) -> JsonObject:
        properties: JsonObject = self.body.setdefault("properties", {})
        return properties

    def require(self, *paths: str) -> None:
        """Refuse a body in which one of the dotted `paths` is missing."""
        for path in paths:
            if value_at(self.body, path) in (None, ""):
                raise ArmError(
                    400,
                    "InvalidRequestContent" if "." in path else "MissingRequiredProperty",
                    f"The required property '{path}' is missing from the request body.",
                    path,
                )

    def parent(self, depth: int = 1) -> JsonObject:
        """The document `depth` levels above. Raises ArmError (404) if it does not exist."""
        parent = self.id.text.rsplit("/", 2 * depth)[0]
        found = self.state.get(parent)
        if found is None:
            raise ArmError(
                404,
                "ParentResourceNotFound",
                f"Failed to perform 'write' on resource(s) of type '{self.id.type}', because the "
                f"parent resource '{parent}' could not be found.",
                by_arm=True,
            )
        return found

    def must_exist(self, resource_id: JsonValue, target: str) -> JsonObject:
        found = self.state.get(resource_id) if isinstance(resource_id, str) else None
        if found and self.id.type.startswith("microsoft.network/"):
            self._must_be_provisioned(found)
        if found is None:
            raise ArmError(
                400,
                "InvalidResourceReference"
                if "etwork" in str(resource_id)
                else "LinkedInvalidPropertyId",
                f"Resource {resource_id} referenced by resource {self.id.text} was not found. "
                "Please make sure that the referenced resource exists, and that both resources "
                "are in the same region.",
                target,
            )
        return found

    def _must_be_provisioned(self, found: JsonObject) -> None:
        """Microsoft.Network refuses references to resources that are being changed."""
        provisioning = found.get("properties", {}).get("provisioningState")
        if found["type"].startswith("Microsoft.Network/") and provisioning in (
            "Updating",
            "Deleting",
        ):
            raise retryable(
                "ReferencedResourceNotProvisioned",
                f"Cannot proceed with operation because resource {found['id']} used by resource "
                f"{self.id.text} is not in Succeeded state. Resource is in {provisioning} state.",
            )


Put = Callable[[Call], None]
Delete = Callable[[State, ResourceId, JsonObject], None]
Late = Callable[[State, ResourceId, JsonObject], "JsonObject | None"]
Purge = Callable[[State, ResourceId], bool]
Shown = Callable[[State, JsonObject], JsonObject]
Items = Callable[[Call], Awaitable[list[JsonObject]]]
Action = Callable[[Call], "JsonObject | list[JsonObject] | Awaitable[JsonObject] | None"]


@dataclass(frozen=True)
class ResourceType:
    """`put` handles a PUT or PATCH whose body matches `shape`; None for types that only services
    create. `creates`, `updates` and `deletes` are the responses. `seconds` is how long Azure takes
    to create (p50), `update_seconds` to update (default: a fifth of that), `delete_seconds` to
    delete. `etag` is the format of the document's version; if `unchanged_at_once`, a PUT that changes
    nothing is complete at once.

    `location` is `region` (required), `global`, or empty for none. `name` is a pattern and
    `misnamed` the error code for names that do not match; `missing` is the error code of a missing
    resource; if the group is missing too, ARM reports the parent if `parent_first`. `states`: has a
    provisioningState. `system_data`: has systemData. `shows_tags`: shows empty tags. `refusal`
    renders the errors of the service.

    `actions` are POST actions by lower-case name, `slow` the responses of long-running ones, `early`
    those of a resource that need not exist yet.
    `items` returns documents that another service holds; `shown` adds to a document what depends on
    other resources.

    `blocked` refuses a deletion while others use the resource (except with its whole group).
    `fails_late` is the error of a deletion that was accepted. `delete` removes dependent resources;
    `retains` releases what outlives the resource unless deletion is forced. `purge` ends a soft
    deletion and returns whether there was one; `recovers` says whether a PUT restores a soft-deleted
    resource."""

    type: str
    put: Put | None = None
    seconds: float = 0
    creates: ArmResponse = CREATED
    updates: ArmResponse = UPDATED
    deletes: ArmResponse = DELETED
    update_seconds: float | None = None
    etag: str = ""
    unchanged_at_once: bool = False
    location: str = "region"
    name: str = r"[^/]{1,260}"
    misnamed: str = "InvalidResourceName"
    missing: str = "ResourceNotFound"
    parent_first: bool = False
    versions: tuple[str, str] = ("2015-01-01", "2027-01-01")
    states: bool = True
    system_data: bool = False
    shows_tags: bool = False
    blocked: Delete | None = None
    fails_late: Late | None = None
    delete: Delete | None = None
    retains: Delete | None = None
    delete_seconds: float = 5
    actions: dict[str, Action] = field(default_factory=dict)
    slow: dict[str, ArmResponse] = field(default_factory=dict)
    early: dict[str, Action] = field(default_factory=dict)
    items: Items | None = None
    shown: Shown | None = None
    refusal: Refusal = wrapped
    purge: Purge | None = None
    recovers: Purge | None = None
    patch: bool = True
    shape: ShapeClass = Document

    def answer(self, verb: str, version: str) -> ArmResponse:
        """The response to `create`, `update` or `delete` in an API version."""
        given = {"create": self.creates, "update": self.updates, "delete": self.deletes}[verb]
        return given.at(version)

    def takes(self, verb: str) -> float:
        """Seconds that Azure takes to `create`, `update` or `delete`."""
        if verb == "delete":
            return self.delete_seconds
        if verb == "create":
            return self.seconds
        return UPDATE_SHARE * self.seconds if self.update_seconds is None else self.update_seconds

    def named(self, name: str) -> bool:
        return re.fullmatch(self.name, name) is not None


def state_of(resource: JsonObject) -> str:
    """The provisioning state; Succeeded if the document has none."""
    return str(value_at(resource, "properties.provisioningState") or "Succeeded")
