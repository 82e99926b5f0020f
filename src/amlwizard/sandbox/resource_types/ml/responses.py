"""How Machine Learning answers writes: its workspace, what computes, what serves."""

from dataclasses import replace

from amlwizard.sandbox.resource_types.responses import CREATED, DELETED, Answer

WORKSPACE = Answer(202, "AL", "").told(tells=("percentComplete",))
WORKSPACE_REMOVED = DELETED.told(tells=("percentComplete",))

COMPUTE = CREATED.told(tells=("percentComplete",))
COMPUTE_REMOVED = replace(WORKSPACE_REMOVED, headers="A")

# All that goes on at an endpoint is an update, a deletion too.
SERVED = Answer(201, "AL").told(
    word="Updating", tells=("id", "name", "startTime", "endTime", "percentComplete")
)
SERVED_AGAIN = replace(SERVED, states=("Updating",))
SERVED_NO_MORE = replace(SERVED, status=202, shows="", states=("Deleting",)).told(done=204)
