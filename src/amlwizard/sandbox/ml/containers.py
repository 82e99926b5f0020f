"""Containers of deployments (a process each) and their logs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from amlwizard.sandbox.children import Child, Children

LONGEST_TAIL = 500
NOT_READY = "ResourceNotReady"
# What the inference server writes when a scoring script fails, and Azure's code for it.
SCRIPT_ERRORS = {
    r"UserScriptImportException": "UserScriptImportError",
    r"does not have a (init|run)\(\) function": "UserScriptFunctionNotFound",
    r"UserScriptException": "UserScriptInitFailed",
}


class ContainerCrashedError(Exception):
    """The container has exited; its log says why."""


class ContainerLog:
    """The log file of a deployment's container, which outlives the container."""

    def __init__(self, folder: Path, deployment_id: str) -> None:
        name = hashlib.sha256(deployment_id.lower().encode()).hexdigest()[:16]
        self.file = folder / "containers" / f"{name}.log"

    def begin(self) -> Path:
        self.file.parent.mkdir(mode=0o700, exist_ok=True)
        self.file.write_text("")
        return self.file

    def write(self, line: str) -> None:
        with self.file.open("a", encoding="utf-8") as out:
            out.write(f"{line}\n")

    def tail(self, lines: int) -> str:
        if not self.file.exists():
            return ""
        written = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(written[-min(lines, LONGEST_TAIL) :]) + "\n"

    @property
    def cause(self) -> str:
        """Azure's code for what ended a container with a scoring script of its own."""
        written = self.tail(LONGEST_TAIL)
        found = (code for text, code in SCRIPT_ERRORS.items() if re.search(text, written))
        return next(found, NOT_READY)


class Container:
    """Handles one request at a time; messages are lines of JSON."""

    def __init__(self, process: Child) -> None:
        self.process, self.lock = process, asyncio.Lock()

    @classmethod
    async def start(
        cls, children: Children, folder: Path, log: Path, own: Sequence[Path] = ()
    ) -> Container:
        """`own` are the scoring script and the folder of the environment, if the deployment has its
        own. Raises ContainerCrashedError where its server does not come up with the model in `folder`."""
        arguments = map(str, (folder, *own))
        process = await children.piped(
            "amlwizard.sandbox.ml.scorer",
            *arguments,
            env={"TZ": "UTC"},
            cwd=children.temporary,
            log=log,
        )
        container = cls(process)
        if not await process.receive():
            await process.wait()  # so that the log is complete
            raise ContainerCrashedError
        return container

    async def ask(self, request: Request, path: str) -> Response:
        """The server's response; 502 if the container has exited."""
        asked = {
            "method": request.method,
            "path": path,
            "query": request.url.query,
            "headers": dict(request.headers),
            "body": base64.b64encode(await request.body()).decode(),
        }
        async with self.lock:
            await self.process.send(asked)
            line = await self.process.receive()
        if not line:
            return Response("upstream connect error or disconnect/reset before headers", 502)
        given = json.loads(line)
        answer = Response(base64.b64decode(given["body"]), given["status"])
        for name, value in given["headers"]:
            if name.lower() != "content-length":
                answer.headers.append(name, value)
        return answer

    def stop(self) -> None:
        self.process.kill()
