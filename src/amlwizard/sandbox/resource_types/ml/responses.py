"""Responses of Machine Learning to writes."""

from dataclasses import replace

from amlwizard.sandbox.resource_types.responses import CREATED, DELETED, ArmResponse

WORKSPACE = ArmResponse(202, "AL", "").polled_with(tells=("percentComplete",))
WORKSPACE_REMOVED = DELETED.polled_with(tells=("percentComplete",))

COMPUTE = CREATED.polled_with(tells=("percentComplete",))
COMPUTE_REMOVED = replace(WORKSPACE_REMOVED, headers="A")

# Polls say Updating for every operation on an endpoint, even for a deletion.
SERVED = ArmResponse(201, "AL").polled_with(
    word="Updating", tells=("id", "name", "startTime", "endTime", "percentComplete")
)
SERVED_AGAIN = replace(SERVED, states=("Updating",))
SERVED_NO_MORE = replace(SERVED, status=202, shows="", states=("Deleting",)).polled_with(done=204)
