"""The control API: what tests and the product's front ends may ask of a sandbox."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from amlwizard.sandbox.control.exchanges import Exchanges
from amlwizard.sandbox.control.faults import Faults
from amlwizard.sandbox.documents import JsonObject, merged
from amlwizard.sandbox.entra import Entra, add_principal
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import SubscriptionEntry

PLANTABLE = ("scoring_key", "access_token", "user_code", "client_secret", "identity_header")


class ControlApi:
    """Requests need `token`; `stop` ends the process. `exchanges` is set by the server."""

    exchanges: Exchanges

    def __init__(self, state: State, entra: Entra, token: str, stop: Callable[[], None]) -> None:
        self.state, self.entra, self.token, self.stop = state, entra, token, stop
        self.faults = Faults()

    @property
    def routes(self) -> Mount:
        """Everything under /_sandbox; other names are 404."""
        posts = {
            "plant": self._plant,
            "approve": self._approve,
            "approval": self._approval,
            "code-life": self._code_life,
            "token-life": self._token_life,
            "stop": self._stop,
        }
        return Mount(
            "/_sandbox",
            routes=[
                self._route("faults", self._faults, "GET", "POST", "DELETE"),
                self._route("requests", self._requests, "GET"),
                self._route("state", self._state, "GET", "POST", "PUT"),
                *(self._route(name, answer, "POST") for name, answer in posts.items()),
            ],
        )

    def _route(
        self, name: str, answer: Callable[[str, JsonObject], object], *methods: str
    ) -> Route:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                return JSONResponse({"error": "control token needed"}, 401)
            try:
                body = json.loads(await request.body() or b"{}")
                return JSONResponse(answer(request.method, body))
            except ValueError as problem:
                return JSONResponse({"error": str(problem)}, 400)

        return Route(f"/{name}", guarded, methods=list(methods))

    def _faults(self, method: str, body: JsonObject) -> list[JsonObject]:
        if method == "DELETE":
            self.faults.clear()
        elif method == "POST":
            self.faults.plant(body)
        return self.faults.to_json()

    def _requests(self, method: str, body: JsonObject) -> JsonObject:
        return {"unknown": list(self.state.unknown), "calls": list(self.exchanges.calls)}

    def _state(self, method: str, body: JsonObject) -> JsonObject:
        if method == "GET":
            return self.state.data.to_json()
        self.state.replace(body if method == "PUT" else merged(self.state.data.to_json(), body))
        return {"ok": True}

    def _plant(self, method: str, body: JsonObject) -> JsonObject:
        for key, value in body.items():
            if key == "subscription":
                self.state.data.subscriptions[value] = SubscriptionEntry(name="Second")
            elif key == "principal":
                add_principal(self.state, **value)
            elif key in PLANTABLE:
                self.state.planted[key] = value
        return {"ok": True}

    def _approve(self, method: str, body: JsonObject) -> JsonObject:
        answer = body.get("state", "approved")
        if "url" in body:
            return {"found": self.entra.browsers.visit(body["url"], answer == "approved")}
        return {"found": self.entra.codes.answer(body["user_code"], answer)}

    def _approval(self, method: str, body: JsonObject) -> JsonObject:
        self.entra.codes.approve = body["approve"]
        return {"ok": True}

    def _code_life(self, method: str, body: JsonObject) -> JsonObject:
        self.entra.codes.life = body["seconds"]
        return {"ok": True}

    def _token_life(self, method: str, body: JsonObject) -> JsonObject:
        self.entra.tokens.life = body["seconds"]
        return {"ok": True}

    def _stop(self, method: str, body: JsonObject) -> JsonObject:
        self.stop()
        return {"ok": True}
