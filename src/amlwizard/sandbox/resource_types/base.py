"""What a resource type must say of itself, and what its handlers are given."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from amlwizard.sandbox.arm_error import ArmError, Refusal, retryable, wrapped
from amlwizard.sandbox.documents import JsonObject, JsonValue, value_at
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.responses import CREATED, DELETED, UPDATED, Answer
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
    """What runs behind the ports, as far as ARM has to do with it. `release` stops all that runs for
    a resource that is being deleted."""

    ports: Ports
    models: ModelRegistry
    deployments: Deployments
    release: Callable[[ResourceId], None]


@dataclass
class Call:
    """One write. A handler checks `body`, raises ArmError, and completes it with what the service
    adds; it is then what a GET answers. `fails` and `work` decide how the operation ends."""

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
        return self.body.setdefault("properties", {})  # type: ignore[no-any-return]

    def require(self, *paths: str) -> None:
        """Refuse a body that lacks one of the dotted `paths`."""
        for path in paths:
            if value_at(self.body, path) in (None, ""):
                raise ArmError(
                    400,
                    "InvalidRequestContent" if "." in path else "MissingRequiredProperty",
                    f"The required property '{path}' is missing from the request body.",
                    path,
                )

    def parent(self, depth: int = 1) -> JsonObject:
        """The document `depth` levels above: ARM writes nothing below what is not there."""
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
        """Network does not build on what is still being built."""
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
    """`put` handles a write whose body has the `shape`. `creates`, `updates` and `deletes` say how the service answers. `seconds` is how long Azure
    takes to create (p50), `update_seconds` to change (a fifth of that where nobody saw one), and
    `delete_seconds` to delete. `etag` is how the service writes the version of a document, if it
    does; `idle_again` says that a PUT of what is there already is over at once.

    `system_data` is shown by types whose service keeps who wrote and when, empty tags by those that
    have `shows_tags`. `location` is `region` (required), `global`, or `` for none. `misnamed` is the code for a name
    that does not fit the pattern `name`, `missing` that for one that is not there; where not even the group is, ARM names the parent
    if `parent_first`. `slow` says how
    the `actions` are answered that take time. `items` answers documents of the type that another service
    holds; `shown` adds to a document what others have to do with it; `refusal` is how the service
    words its errors.

    `blocked` refuses a deletion as long as others stand on the resource (its group may go with all
    of them), `fails_late` is how one ends that was accepted, `delete` is what else goes, `retains`
    lets go of what is kept of it unless its deletion is forced. `purge` ends a soft deletion and
    answers whether there was one; `recovers` whether a PUT brings a softly deleted one back."""

    type: str
    put: Put | None = None
    seconds: float = 0
    creates: Answer = CREATED
    updates: Answer = UPDATED
    deletes: Answer = DELETED
    update_seconds: float | None = None
    etag: str = ""
    idle_again: bool = False
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
    slow: dict[str, Answer] = field(default_factory=dict)
    items: Items | None = None
    shown: Shown | None = None
    refusal: Refusal = wrapped
    purge: Purge | None = None
    recovers: Purge | None = None
    patch: bool = True
    shape: ShapeClass = Document

    def answer(self, verb: str, version: str) -> Answer:
        """To `create`, `update` or `delete` in an API version."""
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
    """The provisioning state; what says none (types without one, documents that were planted) is
    there."""
    return str(value_at(resource, "properties.provisioningState") or "Succeeded")
