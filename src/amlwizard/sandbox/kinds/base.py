"""What a resource type must say of itself, and what its handlers are given."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.world import World

if TYPE_CHECKING:
    from amlwizard.sandbox.datacentre import DataCentre

Body = dict[str, Any]


class ArmError(Exception):
    """A refusal, as ARM words it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        target: str | None = None,
        details: list[Body] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.target, self.details = target, details or []

    def body(self) -> Body:
        error: Body = {"code": self.code, "message": self.message}
        if self.target:
            error["target"] = self.target
        if self.details:
            error["details"] = self.details
        return {"error": error}


@dataclass
class Call:
    """One write. A handler checks `body`, raises ArmError, and completes it with what the service
    adds; it is then what a GET answers. `fails` and `work` decide how the operation ends."""

    world: World
    centre: DataCentre
    id: ResourceId
    body: Body
    old: Body | None
    version: str
    principal: Body
    fails: Body | None = None
    work: Coroutine[Any, Any, None] | None = None

    @property
    def properties(self) -> Body:
        return self.body.setdefault("properties", {})  # type: ignore[no-any-return]

    def require(self, *paths: str) -> None:
        """Refuse a body that lacks one of the dotted `paths`."""
        for path in paths:
            if look(self.body, path) in (None, ""):
                raise ArmError(
                    400,
                    "InvalidRequestContent" if "." in path else "MissingRequiredProperty",
                    f"The required property '{path}' is missing from the request body.",
                    path,
                )

    def parent(self, depth: int = 1) -> Body:
        """The document `depth` levels above: ARM writes nothing below what is not there."""
        parent = self.id.text.rsplit("/", 2 * depth)[0]
        found = self.world.get(parent)
        if found is None:
            raise ArmError(
                404,
                "ParentResourceNotFound",
                f"Failed to perform 'write' on resource(s) of type '{self.id.type}', because the "
                f"parent resource '{parent}' could not be found.",
            )
        return found

    def must_exist(self, resource_id: Any, target: str) -> Body:
        found = self.world.get(resource_id) if isinstance(resource_id, str) else None
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


Put = Callable[[Call], None]
Delete = Callable[[World, ResourceId, Body], None]
Purge = Callable[[World, ResourceId], bool]
Shown = Callable[[World, Body], Body]
Items = Callable[[Call], Coroutine[Any, Any, list[Body]]]
Action = Callable[[Call], "Body | list[Body] | Coroutine[Any, Any, Any] | None"]


@dataclass(frozen=True)
class Kind:
    """`seconds` is how long Azure takes (p50); `accepts` the status of a create that takes time
    (202 has no body); `begun` the states of a create and of an update that are under way;
    `location`: `region` (required), `global`, or `` for none. `misnamed` is the code for a name that
    does not fit the pattern `name`. `items` answers documents of the type that another service
    holds; `shown` adds to a document what others have to do with it.

    `blocked` refuses a deletion as long as others stand on the resource (its group may go with all
    of them), `delete` is what else goes, `delete_needs` the query parameters that a deletion must
    have; `delete_answers` where it answers the document. `retains` lets go of what is kept of it
    unless its deletion is forced. `purge` ends a soft deletion and answers
    whether there was one."""

    type: str
    put: Put | None = None
    seconds: float = 0
    accepts: int = 201
    begun: tuple[str, str] = ("Creating", "Updating")
    location: str = "region"
    name: str = r"[^/]{1,260}"
    misnamed: str = "InvalidResourceName"
    versions: tuple[str, str] = ("2015-01-01", "2027-01-01")
    states: bool = True
    blocked: Delete | None = None
    delete: Delete | None = None
    retains: Delete | None = None
    delete_needs: tuple[str, ...] = ()
    delete_seconds: float = 5
    delete_answers: bool = False
    actions: dict[str, Action] = field(default_factory=dict)
    items: Items | None = None
    shown: Shown | None = None
    purge: Purge | None = None
    patch: bool = True

    def named(self, name: str) -> bool:
        return re.fullmatch(self.name, name) is not None


def look(document: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for part in path.split("."):
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document.get(part)
        else:
            return None
    return document


def swallow(task: asyncio.Task[Any]) -> None:
    """Take the exception of a task that nobody awaits, so that it is not reported at exit."""
    if not task.cancelled():
        task.exception()
