"""Responses of services to writes, and to the polls that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from amlwizard.sandbox.state_file import Polls

PLAIN = Polls()


@dataclass(frozen=True)
class ArmResponse:
    """`headers` is A for Azure-AsyncOperation, L for Location, both, or empty: then clients poll the
    resource. `shows` is the body: `document`, `{}`, or nothing. `states` are the successive
    provisioning states during the operation. `itself`: the Location is the resource, not the
    operation. API versions before `since` get the response `before`."""

    status: int = 201
    headers: str = "A"
    shows: str = "document"
    states: tuple[str, ...] = ("Creating",)
    polls: Polls = PLAIN
    itself: bool = False
    since: str = ""
    before: ArmResponse | None = None

    def at(self, version: str) -> ArmResponse:
        return self.before if self.before and version < self.since else self

    def polled_with(self, **polls: str | int | tuple[str, ...]) -> ArmResponse:
        """The same with other polls."""
        return replace(self, polls=self.polls.model_copy(update=polls))


CREATED = ArmResponse()
UPDATED = ArmResponse(200, states=("Updating",))
DELETED = ArmResponse(202, "AL", "", ("Deleting",), Polls(done=204))
# Synchronous responses.
AT_ONCE = ArmResponse(200, "", states=())
CREATED_AT_ONCE = replace(AT_ONCE, status=201)
GONE_AT_ONCE = replace(AT_ONCE, shows="")
