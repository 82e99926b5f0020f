"""ASGI middleware around every exchange: records it, and applies faults."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amlwizard.sandbox.capture import Capture
from amlwizard.sandbox.control.faults import DISRUPTIONS, Fault, Faults, edited
from amlwizard.sandbox.limits import RefusedBodyError, body_of
from amlwizard.sandbox.state import State

Answer = tuple[Message, bytes]
"""The message that starts a response, and its body."""
NO_ANSWER: Answer = ({"status": 0, "headers": []}, b"")
HANG_POLL_SECONDS = 0.02
MOST_CALLS = 50_000


class RequestPolicy(Protocol):
    """Decides about a request by its port and its headers."""

    def answers_to(self, name: str, port: int) -> bool:
        """Whether a port is addressed by one of its own names."""

    def most_bytes(self, request: Request) -> int:
        """How large its body may be."""

    def disrupt(self, request: Request, disruption: str) -> None:
        """Disrupt the service that the request is for: one of DISRUPTIONS."""


class Exchanges:
    """`calls` lists the most recent requests as ``METHOD path``. An exception in a handler is
    recorded in `state.unknown`, and the response is 500."""

    def __init__(
        self,
        app: ASGIApp,
        policy: RequestPolicy,
        state: State,
        faults: Faults,
        capture: Capture | None,
    ) -> None:
        self.app, self.policy = app, policy
        self.state, self.faults, self.capture = state, faults, capture
        self.calls: deque[str] = deque(maxlen=MOST_CALLS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_addressed(scope):
            await Response("Misdirected Request", 421)(scope, receive, send)
        elif scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
        else:
            await self._limited(scope, receive, send)

    def _is_addressed(self, scope: Scope) -> bool:
        """Against DNS rebinding: a web page must not reach a port through a name of the page's own
        that resolves to this machine."""
        host, _, _ = Request(scope).headers.get("host", "").partition(":")
        return self.policy.answers_to(host.lower(), scope["server"][1])

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Request(scope)
        declared = int(asked.headers.get("content-length", 0))
        try:
            body = await body_of(receive, declared, self.policy.most_bytes(asked))
        except RefusedBodyError as refused:
            answer = Response(status_code=refused.status, headers={"connection": "close"})
            await answer(scope, receive, send)
        else:
            await self._exchange(scope, body, send)

    async def _exchange(self, scope: Scope, request: bytes, send: Send) -> None:
        line = f"{scope['method']} {scope['path']}"
        self.calls.append(line)
        fault = self.faults.take(line, request)
        if fault:
            start, content = await self._under(fault, scope, request)
        else:
            start, content = await self._answer(self.app, scope, request)
        if self.capture:
            planted = fault.to_json() if fault else None
            self.capture.record(scope, request, start["status"], start["headers"], content, planted)
        if fault and not start["status"]:
            await _break_off(fault, send)
        else:
            await send(start)
            await send({"type": "http.response.body", "body": content})

    async def _under(self, fault: Fault, scope: Scope, request: bytes) -> Answer:
        """The response under a fault; NO_ANSWER if none is sent."""
        await asyncio.sleep(fault.delay)
        if fault.mode == "reset":
            return NO_ANSWER
        while fault.mode == "hang" and fault in self.faults:
            await asyncio.sleep(HANG_POLL_SECONDS)
        if fault.mode in DISRUPTIONS:
            self.policy.disrupt(Request(scope), fault.mode)
        if fault.mode == "before" and fault.status is not None:
            return await self._answer(fault.planted, scope, request)
        start, content = await self._answer(self.app, scope, request)
        if fault.mode in ("drop", "cut"):
            return NO_ANSWER
        if fault.mode == "after":
            return await self._answer(fault.planted, scope, request)
        if fault.edit is None:
            return start, content
        content = edited(content, fault.edit)
        headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        headers.append((b"content-length", str(len(content)).encode()))
        return {**start, "headers": headers}, content

    async def _answer(self, app: ASGIApp, scope: Scope, body: bytes) -> Answer:
        sent: list[Message] = []
        done = False

        async def receive() -> Message:
            nonlocal done
            if done:
                await asyncio.sleep(3600)
            done = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        try:
            await app(scope, receive, send)
        except Exception as crash:  # whatever it is, it is a bug of the sandbox
            if not sent:  # starlette answers 500 before it raises
                raise
            traceback.print_exc()
            self.state.crashed(f"{scope['method']} {scope['path']}", crash)
        return sent[0], b"".join(m.get("body", b"") for m in sent[1:])


async def _break_off(fault: Fault, send: Send) -> None:
    if fault.mode in ("drop", "reset"):
        send.__self__.transport.abort()  # type: ignore[attr-defined]  # uvicorn's; ASGI cannot hang up
        return
    # The server closes the connection of a handler that raises in the middle of its answer.
    headers = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    raise ConnectionResetError("cut by a fault")
