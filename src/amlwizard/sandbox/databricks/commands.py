"""Execution contexts, and the commands that run in them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from amlwizard.sandbox.databricks.clusters import Clusters
from amlwizard.sandbox.databricks.drivers import Driver
from amlwizard.sandbox.databricks.errors import invalid, missing
from amlwizard.sandbox.databricks.runtimes import shown
from amlwizard.sandbox.databricks.secrets import redacted
from amlwizard.sandbox.documents import JsonObject


class Commands:
    """`opened` is called when a notebook is opened."""

    def __init__(self, clusters: Clusters, opened: Callable[[], None]) -> None:
        self.clusters, self.drivers, self.opened = clusters, clusters.drivers, opened
        self.commands: dict[str, JsonObject] = {}
        self.contexts: dict[str, tuple[str, asyncio.Task[Driver]]] = {}

    async def create_context(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster = self.clusters.running(workspace, body.get("clusterId", ""))
        context = uuid.uuid4().hex
        self.contexts[context] = (cluster["id"], self.drivers.tasks[cluster["id"]])
        self.opened()
        return {"id": context}

    async def context_status(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        self._context(body)
        return {"id": body["contextId"], "status": "Running"}

    async def destroy_context(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        cluster_id = self._context(body)
        running = [c for c in self.commands.values() if c["context"] == body["contextId"]]
        if any(command["status"] == "Running" for command in running):
            await self._interrupt(workspace, cluster_id)
        del self.contexts[body["contextId"]]
        await self.drivers.ask(cluster_id, {"op": "forget", "context": body["contextId"]})
        return {"id": body["contextId"]}

    async def execute(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        self.clusters.running(workspace, body.get("clusterId", ""))
        cluster_id = self._context(body)
        if body.get("language") != "python":
            raise invalid("Only python is offered here.")
        command_id = uuid.uuid4().hex
        command: JsonObject = {
            "id": command_id,
            "context": body["contextId"],
            "status": "Running",
            "results": None,
        }
        self.commands[command_id] = command
        task = asyncio.get_running_loop().create_task(
            self._run(workspace, cluster_id, body, command)
        )
        command["task"] = task
        return {"id": command_id}

    async def _run(
        self, workspace: JsonObject, cluster_id: str, body: JsonObject, command: JsonObject
    ) -> None:
        answer = await self.drivers.ask(
            cluster_id, {"op": "run", "context": body["contextId"], "code": body["command"]}
        )
        if "error" in answer:
            command["results"] = {
                "resultType": "error",
                "summary": redacted(self.clusters.state, workspace, answer["error"]),
                "cause": redacted(self.clusters.state, workspace, answer.get("cause", "")),
            }
        else:
            text = redacted(self.clusters.state, workspace, answer["stdout"])
            spec = self.clusters.find(workspace, {"cluster_id": cluster_id})["spec"]
            command["results"] = {"resultType": "text", "data": shown(text, spec)}
        if command["status"] == "Running":
            command["status"] = "Finished" if "error" not in answer else "Error"

    async def status(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        self._context(body)
        command = self.commands.get(body.get("commandId", ""))
        if command is None:
            raise missing("CommandNotFoundException")
        status = "Finished" if command["status"] == "Error" else command["status"]
        return {"id": command["id"], "status": status, "results": command["results"]}

    async def cancel(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        command = self.commands.get(body.get("commandId", ""))
        if command and command["status"] == "Running":
            command["status"] = "Cancelled"
            await self._interrupt(workspace, self._context(body))
        return {"id": body.get("commandId")}

    async def _interrupt(self, workspace: JsonObject, cluster_id: str) -> None:
        """End the cell that runs on a cluster."""
        if not await self.drivers.interrupt(cluster_id):
            self.clusters.restart_driver(workspace, cluster_id)

    def _context(self, body: JsonObject) -> str:
        """The cluster of a context, which ends with the driver that it is in."""
        cluster_id, driver = self.contexts.get(body.get("contextId", ""), ("", None))
        if driver is None or self.drivers.tasks.get(cluster_id) is not driver:
            raise missing("ContextNotFound")
        return cluster_id
