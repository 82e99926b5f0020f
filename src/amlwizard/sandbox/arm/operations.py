"""Operations that take time: how a write announces one, and what a poll answers."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm.asked import Asked
from amlwizard.sandbox.kinds import KINDS
from amlwizard.sandbox.kinds.base import ArmError, Body
from amlwizard.sandbox.world import World

RETRY_AFTER = 10  # seconds


class Operations:
    def __init__(self, world: World) -> None:
        self.world = world

    def begun(self, asked: Asked, name: str, status: int, body: Body | None = None) -> Response:
        """The answer to a request that started operation `name`."""
        kind = KINDS.get(asked.id.type)
        namespace = (kind.type if kind else "Microsoft.Resources/x").split("/")[0]
        stem = (
            f"{self.world.arm}/subscriptions/{asked.id.subscription}/providers/{namespace}"
            "/locations/westeurope"
        )
        query = f"?api-version={asked.version}"
        headers = {"Azure-AsyncOperation": f"{stem}/operationStatuses/{name}{query}"}
        if status == 202:
            headers["Location"] = f"{stem}/operationResults/{name}{query}"
        headers.update(self._patience())
        if body is None:
            return Response(status_code=status, headers=headers)
        return JSONResponse(body, status, headers)

    def _patience(self) -> dict[str, str]:
        """Azure asks for ten seconds; on a faster clock the wait is that much shorter, which the
        standard header, in whole seconds, cannot say."""
        clock = self.world.clock
        if clock.kind != "real":
            return {"retry-after-ms": "10"}
        if clock.speed <= 1:
            return {"Retry-After": str(RETRY_AFTER)}
        return {"retry-after-ms": str(max(10, round(RETRY_AFTER * 1000 / clock.speed)))}

    def poll(self, asked: Asked, form: str, name: str) -> Response:
        operation = self.world.data["operations"].get(name)
        if operation is None:
            raise ArmError(404, "OperationNotFound", f"The operation {name} was not found.")
        operation["polls"] += 1
        self.world.settle()
        status = operation["status"]
        if form.lower() == "operationresults":
            if status == "InProgress":
                return Response(status_code=202)
            if status == "Failed":
                return JSONResponse({"error": operation["error"]}, 409)
            resource = self.world.get(operation["resource"])
            return JSONResponse(resource) if resource else Response(status_code=204)
        body: Body = {
            "id": f"/subscriptions/{self.world.subscription}/operationStatuses/{name}",
            "name": name,
            "status": status,
        }
        if operation["error"] and status == "Failed":
            body["error"] = operation["error"]
        return JSONResponse(body)
