"""Long-running operations: the response that starts one, and the responses to polls."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm import store
from amlwizard.sandbox.arm.request import ArmRequest
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types import RESOURCE_TYPES
from amlwizard.sandbox.resource_types.responses import ArmResponse
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import Operation, Polls

RETRY_AFTER = 10  # seconds


class Operations:
    def __init__(self, state: State) -> None:
        self.state = state

    def begun(
        self, request: ArmRequest, name: str, answer: ArmResponse, body: JsonObject | None = None
    ) -> Response:
        """The response to a request that started operation `name`."""
        headers = {}
        if "A" in answer.headers:
            headers["Azure-AsyncOperation"] = self._url(request, "operationStatuses", name)
        if "L" in answer.headers:
            headers["Location"] = (
                f"{self.state.arm}{request.id.text}"
                if answer.itself
                else self._url(request, "operationResults", name)
            )
        if headers and not answer.itself:
            headers.update(self.state.clock.later(RETRY_AFTER))
        if answer.shows == "{}":
            return JSONResponse({}, answer.status, headers)
        if not answer.shows or body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(body, answer.status, headers)

    def _url(self, request: ArmRequest, form: str, name: str) -> str:
        kind = RESOURCE_TYPES.get(request.id.type)
        namespace = (kind.type if kind else "Microsoft.Resources/x").split("/")[0]
        return (
            f"{self.state.arm}/subscriptions/{request.id.subscription}/providers/{namespace}"
            f"/locations/westeurope/{form}/{name}?api-version={request.version}"
        )

    def poll(self, request: ArmRequest, form: str, name: str) -> Response:
        operation = self.state.data.operations.get(name)
        if operation is None:
            raise ArmError(404, "OperationNotFound", f"The operation {name} was not found.")
        operation.polls += 1
        self.state.settle()
        going = operation.is_running
        polls = operation.tells
        headers = {}
        if going and (polls.status == 202 or form.lower() == "operationresults"):
            headers = {"Location": f"{self.state.arm}{request.path}?api-version={request.version}"}
            headers.update(self.state.clock.later(RETRY_AFTER))
        if form.lower() == "operationresults" and not polls.worded:
            return self._result(operation, polls, headers)
        return JSONResponse(
            self._told(operation, name, polls), polls.status if going else 200, headers
        )

    def _result(self, operation: Operation, polls: Polls, headers: dict[str, str]) -> Response:
        """The final response of a Location is the resource itself."""
        if operation.is_running:
            return Response(status_code=202, headers=headers)
        if operation.status == "Failed":
            return JSONResponse({"error": operation.error}, 409)
        found = store.find(self.state, ResourceId.parse(operation.of))
        if found is None:
            return Response(status_code=polls.done)
        shown = RESOURCE_TYPES[found["type"].lower()].shown
        return JSONResponse(shown(self.state, found) if shown else found)

    def _told(self, operation: Operation, name: str, polls: Polls) -> JsonObject:
        over, status = operation.ended is not None, operation.status
        known = {
            "id": f"/subscriptions/{self.state.subscription}/operationStatuses/{name}",
            "name": name,
            "startTime": timestamp(operation.started),
            "createdDateTime": timestamp(operation.started),
            "endTime": timestamp(operation.ended) if over else None,
            "lastActionDateTime": timestamp(operation.ended) if over else None,
            "percentComplete": 100.0 if over else None,
        }
        body: JsonObject = {key: known[key] for key in polls.tells if known[key] is not None}
        body["status"] = status if over else polls.word
        if operation.error and status == "Failed":
            body["error"] = operation.error
        return body
