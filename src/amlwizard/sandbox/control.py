"""Faults, records and the strings that tests pull: /_sandbox, and the wrapper around every door."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.capture import Capture
from amlwizard.sandbox.entra import Entra, add_principal
from amlwizard.sandbox.world import World

Answer = tuple[dict[str, Any], bytes]  # the message that starts a response, and its body
NO_ANSWER: Answer = ({"status": 0, "headers": []}, b"")
GATE_LOOK_SECONDS = 0.02
OWN_NAMES = (b"127.0.0.1", b"localhost")
PLANTABLE = ("scoring_key", "access_token", "user_code", "client_secret", "identity_header")


class Control:
    """`token` opens the control API; `stop` ends the sandbox.

    A fault says which ``METHOD path`` it `match`es (a regular expression), what text the request's
    body `holds`, how many `times`, and
    what happens then: an answer of `status`, `code`, `message`, `headers` or a whole `body` instead
    of the real one (`mode` before), after the effect (`after`), none at all after it (`drop`), one
    that breaks off (`cut`), the real one with values `edit`ed by dotted path, or nothing until the
    faults are cleared (`hang`).
    """

    def __init__(
        self,
        world: World,
        entra: Entra,
        token: str,
        capture: Capture | None,
        stop: Callable[[], None],
    ) -> None:
        self.world, self.entra, self.token = world, entra, token
        self.capture, self.stop = capture, stop
        self.faults: list[dict[str, Any]] = []
        self.calls: list[str] = []

    async def handle(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given, self.token):
            return JSONResponse({"error": "control token needed"}, 401)
        body = json.loads(await request.body() or b"{}")
        what = request.url.path.rpartition("/")[2]
        if what == "faults":
            if request.method == "DELETE":
                self.faults.clear()
            elif request.method == "POST":
                self.faults += body if isinstance(body, list) else [body]
            return JSONResponse(self.faults)
        if what == "requests":
            return JSONResponse({"unknown": self.world.unknown, "calls": self.calls})
        if what == "plant":
            self._plant(body)
        elif what == "approve":
            state = body.get("state", "approved")
            if "url" in body:
                found = self.entra.browsers.visit(body["url"], state == "approved")
            else:
                found = self.entra.codes.answer(body["user_code"], state)
            return JSONResponse({"found": found})
        elif what == "code-life":
            self.entra.codes.life = body["seconds"]
        elif what == "token-life":
            self.entra.tokens.life = body["seconds"]
        elif what == "approval":
            self.entra.codes.approve = body["approve"]
        elif what == "state":
            if request.method == "GET":
                return JSONResponse(self.world.data)
            if request.method == "PUT":
                self.world.data = body
            else:
                _merge(self.world.data, body)
            self.world.save()
        elif what == "stop":
            self.stop()
        else:
            return JSONResponse({"error": f"no {what}"}, 404)
        return JSONResponse({"ok": True})

    def _plant(self, body: dict[str, Any]) -> None:
        for key, value in body.items():
            if key == "subscription":
                self.world.data["subscriptions"][value] = {"name": "Second", "state": "Enabled"}
            elif key == "principal":
                add_principal(self.world, **value)
            elif key in PLANTABLE:
                self.world.planted[key] = value

    # -- around every door

    def wrap(self, app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and not self._is_meant(scope):
                await Response("This door has another name.", 421)(scope, receive, send)
                return
            if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
                await app(scope, receive, send)
                return
            await self._pass(app, scope, receive, send)

        return wrapped

    def _is_meant(self, scope: Any) -> bool:
        """Whether the main door was asked by a name of its own. A page whose name was made to mean
        this machine must not speak to it in its reader's browser."""
        asked, _, _ = dict(scope["headers"]).get(b"host", b"").partition(b":")
        return asked.lower() in OWN_NAMES or scope["server"][1] != urlsplit(self.world.arm).port

    async def _pass(self, app: Any, scope: Any, receive: Any, send: Any) -> None:
        line = f"{scope['method']} {scope['path']}"
        self.calls.append(line)
        request = await _body(receive)
        fault = self._fault(line, request)
        if fault:
            start, content = await self._faulted(fault, app, scope, request)
        else:
            start, content = await self._collect(app, scope, request)
        if self.capture:
            self.capture.record(scope, request, start["status"], start["headers"], content, fault)
        if fault and not start["status"]:
            if fault["mode"] == "drop":
                send.__self__.transport.abort()  # uvicorn's: ASGI has no word for hanging up
                return
            # An answer that was begun and breaks off: the server closes the connection.
            headers = [(b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            raise ConnectionResetError("cut by a fault")
        await send(start)
        await send({"type": "http.response.body", "body": content})

    async def _faulted(self, fault: dict[str, Any], app: Any, scope: Any, request: bytes) -> Answer:
        """What goes back under a fault; NO_ANSWER where nothing does."""
        mode = fault.get("mode", "before")
        while mode == "hang" and any(other is fault for other in self.faults):
            await asyncio.sleep(GATE_LOOK_SECONDS)
        if mode == "before" and "status" in fault:
            return await self._collect(_planted(fault), scope, request)
        answer = await self._collect(app, scope, request)
        if mode in ("drop", "cut"):
            return NO_ANSWER
        if mode == "after":
            return await self._collect(_planted(fault), scope, request)
        return _edited(answer, fault["edit"]) if "edit" in fault else answer

    async def _collect(self, app: Any, scope: Any, body: bytes) -> Answer:
        sent: list[Any] = []
        done = False

        async def receive() -> Any:
            nonlocal done
            if done:
                await asyncio.sleep(3600)
            done = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        try:
            await app(scope, receive, send)
        except Exception as crash:
            if not sent:
                raise
            traceback.print_exc()
            unknown = {"method": scope["method"], "path": scope["path"], "crash": repr(crash)}
            self.world.unknown.append(unknown)
        return sent[0], b"".join(m.get("body", b"") for m in sent[1:])

    def _fault(self, line: str, body: bytes) -> dict[str, Any] | None:
        for fault in self.faults:
            matches = re.fullmatch(fault["match"], line) and fault.get("holds", "").encode() in body
            if matches and fault.get("times") != 0:
                if fault.get("times"):
                    fault["times"] -= 1
                return fault
        return None


def _planted(fault: dict[str, Any]) -> Response:
    body = fault.get("body") or {
        "error": {
            "code": fault.get("code", "InternalServerError"),
            "message": fault.get("message", "A fault was planted."),
        }
    }
    return JSONResponse(body, fault["status"], fault.get("headers"))


async def _body(receive: Any) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _edited(answer: Answer, edit: dict[str, Any]) -> Answer:
    start, content = answer
    body = json.loads(content or b"{}")
    for path, value in edit.items():
        *parents, last = path.split(".")
        target: Any = body
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target.setdefault(part, {})
        if isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value
    content = json.dumps(body).encode()
    headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
    headers.append((b"content-length", str(len(content)).encode()))
    return {**start, "headers": headers}, content


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value
