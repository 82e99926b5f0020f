"""How a service answers a write: what it says at once, and what the polls that follow are told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from amlwizard.sandbox.state_file import Polls

PLAIN = Polls()


@dataclass(frozen=True)
class Answer:
    """`headers` are A for Azure-AsyncOperation, L for Location, both, or none: then a client can
    only read the resource again. `shows` is the body: `document`, `{}`, or nothing. The resource is
    in `states` one after the other until all is done.

    A Location is that of the operation, or of the resource where it is `itself`.

    API versions older than `since` are answered by `before`."""

    status: int = 201
    headers: str = "A"
    shows: str = "document"
    states: tuple[str, ...] = ("Creating",)
    polls: Polls = PLAIN
    itself: bool = False
    since: str = ""
    before: Answer | None = None

    def at(self, version: str) -> Answer:
        return self.before if self.before and version < self.since else self

    def told(self, **polls: str | int | tuple[str, ...]) -> Answer:
        """The same with other polls."""
        return replace(self, polls=self.polls.model_copy(update=polls))


CREATED = Answer()
UPDATED = Answer(200, states=("Updating",))
DELETED = Answer(202, "AL", "", ("Deleting",), Polls(done=204))
# What is over with the answer, and says nothing of an operation.
AT_ONCE = Answer(200, "", states=())
CREATED_AT_ONCE = replace(AT_ONCE, status=201)
GONE_AT_ONCE = replace(AT_ONCE, shows="")
