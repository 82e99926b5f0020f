"""Faults, records and the strings that tests pull: /_sandbox, and the wrapper around every door."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.entra import Entra, add_principal
from amlwizard.sandbox.world import World

SECRET_KEYS = {
    "access_token", "refresh_token", "id_token", "device_code", "user_code", "client_secret",
    "primarykey", "secondarykey", "value", "string_value", "client_info",
}  # fmt: skip
GATE_LOOK_SECONDS = 0.02
PLANTABLE = ("scoring_key", "access_token", "user_code", "client_secret", "identity_header")


class Control:
    """`token` opens the control API; `stop` ends the sandbox.

    A fault says which ``METHOD path`` it `match`es (a regular expression), how many `times`, and
    what happens then: an answer of `status`, `code`, `message`, `headers` or a whole `body` instead
    of the real one (`mode` before), after the effect (`after`), none at all after it (`drop`), one
    that breaks off (`cut`), the real one with values `edit`ed by dotted path, or nothing until the
    faults are cleared (`hang`).
    """

    def __init__(
        self, world: World, entra: Entra, token: str, capture: Path | None, stop: Callable[[], None]
    ) -> None:
        self.world, self.entra, self.token, self.capture, self.stop = (
            world,
            entra,
            token,
            capture,
            stop,
        )
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
            return JSONResponse({"found": self.entra.answer(body["user_code"], state)})
        elif what == "code-life":
            self.entra.code_life = body["seconds"]
        elif what == "token-life":
            self.entra.token_life = body["seconds"]
        elif what == "approval":
            self.entra.approve = body["approve"]
        elif what == "state":
            if request.method == "GET":
                return JSONResponse(self.world.data)
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
            if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
                await app(scope, receive, send)
                return
            await self._pass(app, scope, receive, send)

        return wrapped

    async def _pass(self, app: Any, scope: Any, receive: Any, send: Any) -> None:
        line = f"{scope['method']} {scope['path']}"
        self.calls.append(line)
        fault = self._fault(line)
        while fault and fault.get("mode") == "hang" and any(f is fault for f in self.faults):
            await asyncio.sleep(GATE_LOOK_SECONDS)
        if fault and fault.get("mode", "before") == "before" and "status" in fault:
            await self._answer(fault, scope, receive, send)
            return
        request_body = await _body(receive)
        answer = await _collect(app, scope, request_body)
        if fault and fault.get("mode") == "drop":
            send.__self__.transport.abort()  # uvicorn's: ASGI has no word for hanging up
            return
        if fault and fault.get("mode") == "cut":
            # An answer that was begun and is broken off: the server closes the connection.
            headers = [(b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            raise ConnectionResetError("cut by a fault")
        if fault and fault.get("mode") == "after":
            await self._answer(fault, scope, receive, send)
            return
        if fault and "edit" in fault:
            answer = _edited(answer, fault["edit"])
        if self.capture:
            self._record(scope, request_body, answer)
        start, content = answer
        await send(start)
        await send({"type": "http.response.body", "body": content})

    def _fault(self, line: str) -> dict[str, Any] | None:
        for fault in self.faults:
            if re.fullmatch(fault["match"], line) and fault.get("times") != 0:
                if fault.get("times"):
                    fault["times"] -= 1
                return fault
        return None

    async def _answer(self, fault: dict[str, Any], scope: Any, receive: Any, send: Any) -> None:
        body = fault.get("body") or {
            "error": {
                "code": fault.get("code", "InternalServerError"),
                "message": fault.get("message", "A fault was planted."),
            }
        }
        response = JSONResponse(body, fault["status"], fault.get("headers"))
        await response(scope, receive, send)

    def _record(self, scope: Any, request_body: bytes, answer: tuple[Any, bytes]) -> None:
        start, content = answer
        host = dict(scope["headers"]).get(b"host", b"").decode()
        query = scope["query_string"].decode()
        scheme = scope.get("scheme", "https")
        line = {
            "method": scope["method"],
            "url": f"{scheme}://{host}{scope['path']}" + (f"?{query}" if query else ""),
            "request_body": _redacted(_parsed(request_body)),
            "status": start["status"],
            "response_headers": {k.decode(): v.decode() for k, v in start["headers"]},
            "response_body": _redacted(_parsed(content)),
            "at": time.time(),
        }
        assert self.capture
        with self.capture.open("a") as out:
            out.write(json.dumps(line) + "\n")


async def _body(receive: Any) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _collect(app: Any, scope: Any, body: bytes) -> tuple[Any, bytes]:
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

    await app(scope, receive, send)
    return sent[0], b"".join(m.get("body", b"") for m in sent[1:])


def _edited(answer: tuple[Any, bytes], edit: dict[str, Any]) -> tuple[Any, bytes]:
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


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return "(not JSON)"


def _redacted(body: Any, under: str = "") -> Any:
    if isinstance(body, dict):
        keys = "keyname" in (k.lower() for k in body)
        return {
            k: "REDACTED"
            if isinstance(v, str) and k.lower() in SECRET_KEYS and (k.lower() != "value" or keys)
            else _redacted(v, k)
            for k, v in body.items()
        }
    if isinstance(body, list):
        return [_redacted(item, under) for item in body]
    return body
