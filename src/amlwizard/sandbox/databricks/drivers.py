"""The drivers of clusters: Python processes that run cells. They query the sandbox for secrets and
DNS names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from amlwizard.sandbox.children import Child, Children
from amlwizard.sandbox.databricks import node
from amlwizard.sandbox.databricks.access_modes import is_standard
from amlwizard.sandbox.databricks.secrets import reveal
from amlwizard.sandbox.databricks.workspace import vnet_of
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.network.vnet import Vnet
from amlwizard.sandbox.state import State

INTERRUPT_SECONDS = 5
INSTANCE_METADATA = "169.254.169.254"


class Driver:
    """`answer` responds to the queries of the process."""

    def __init__(self, process: Child, answer: Callable[[JsonObject], JsonObject]) -> None:
        self.process, self.answer = process, answer
        self.lock = asyncio.Lock()

    async def ask(self, body: JsonObject) -> JsonObject:
        async with self.lock:
            await self.process.send(body)
            while line := await self.process.receive():
                answer: JsonObject = json.loads(line)
                if "ask" not in answer:
                    return answer
                await self.process.send(self.answer(answer))
        return {"error": "SparkException: The Python process of the driver has ended."}


class Drivers:
    """By cluster id."""

    def __init__(self, state: State, vnet: Vnet, children: Children, ca: str) -> None:
        self.state, self.vnet, self.children, self.ca = state, vnet, children, ca
        self.tasks: dict[str, asyncio.Task[Driver]] = {}

    def start(self, cluster_id: str, workspace: JsonObject, spec: JsonObject) -> None:
        """`spec` are the settings of the cluster."""
        task = asyncio.get_running_loop().create_task(self._boot(workspace, spec))
        self.tasks[cluster_id] = task

    def __contains__(self, cluster_id: str) -> bool:
        return cluster_id in self.tasks

    async def ask(self, cluster_id: str, body: JsonObject) -> JsonObject:
        driver = await self.tasks[cluster_id]
        return await driver.ask(body)

    async def interrupt(self, cluster_id: str) -> bool:
        """Interrupt the cell that runs; what the context knows stays. False if it goes on."""
        driver = await self.tasks[cluster_id]
        try:
            await driver.process.interrupt()
            async with asyncio.timeout(INTERRUPT_SECONDS), driver.lock:
                return True
        except (TimeoutError, ConnectionResetError):
            return False

    def end(self, cluster_id: str) -> None:
        task = self.tasks.pop(cluster_id, None)
        if task and task.done() and not task.exception():
            task.result().process.kill()
        elif task:
            task.cancel()

    def stop(self) -> None:
        for cluster_id in list(self.tasks):
            self.end(cluster_id)

    async def _boot(self, workspace: JsonObject, spec: JsonObject) -> Driver:
        proxy = self.vnet.proxy_for(vnet_of(workspace))
        environment = {
            **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), proxy),
            # Link-local addresses are the node's own; nothing answers there.
            **dict.fromkeys(("NO_PROXY", "no_proxy"), INSTANCE_METADATA),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), self.ca),
            "HOME": str(self.children.temporary),  # sign-ins of this machine's user are in theirs
            "MPLBACKEND": "Agg",
            "DATABRICKS_RUNTIME_VERSION": spec["spark_version"].partition(".x-")[0],
            "GIT_PYTHON_REFRESH": "quiet",
        }
        workspace_id = workspace["id"].lower()
        process = await self.children.piped(
            "amlwizard.sandbox.databricks.node",
            *([node.STANDARD] if is_standard(spec) else []),
            env=environment,
            cwd=self.children.temporary,
        )
        return Driver(process, lambda asked: self._answer(workspace_id, asked))

    def _answer(self, workspace_id: str, asked: JsonObject) -> JsonObject:
        """The response to a query: a secret, or the addresses of a name."""
        if asked["ask"] == "resolve":
            vnet = vnet_of(self.state.get(workspace_id))
            return {"addresses": self.vnet.resolve(vnet, asked["name"])}
        return reveal(self.state, workspace_id, asked["scope"], asked["key"])
