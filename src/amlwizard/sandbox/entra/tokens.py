"""Access tokens: JWTs signed with the sandbox's own key. Every API checks audience, expiry and
signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import SignedInUser

ARM = ("https://management.azure.com", "https://management.core.windows.net")
DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
ML = "https://ml.azure.com"
LIFE = 3600


class Tokens:
    """`life` is in seconds."""

    def __init__(self, state: State) -> None:
        self.state, self.life = state, LIFE

    def audience(self, resource: str) -> str | None:
        resource = resource.rstrip("/")
        known = (*ARM, DATABRICKS, ML, self.state.arm)
        return resource if resource in known else None

    def issue(self, audience: str, principal: dict[str, str], tenant: str) -> str:
        """An access token. `principal` has an `oid`, and the `upn` of a user or the `appid` of a
        service principal or managed identity."""
        canary = self.state.planted.get("access_token")
        claims = {
            **self._span(audience, tenant),
            "tid": tenant,
            **principal,
            **({"idtyp": "app"} if "appid" in principal else {}),
            **({"jti": canary} if canary else {}),
        }
        return self._sign(claims)

    def identify(self, client: str, person: SignedInUser, tenant: str, nonce: str = "") -> str:
        """An id token for `client`, bound to the `nonce` of the request."""
        return self._sign(
            {
                **self._span(client, tenant),
                "sub": person.oid,
                "oid": person.oid,
                "tid": tenant,
                "preferred_username": person.name,
                "name": person.name,
                "ver": "2.0",
                **({"nonce": nonce} if nonce else {}),
            }
        )

    def check(self, request: Request, *audiences: str) -> JsonObject | Response:
        """The claims of the request's bearer token, or the error response."""
        header = request.headers.get("authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _refusal(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            )
        return self.verify(token, *audiences)

    def verify(self, token: str, *audiences: str) -> JsonObject | Response:
        """The claims of a token, or the error response."""
        body, _, mac = token.rpartition(".")
        try:
            claims: JsonObject = json.loads(_unb64(body.split(".")[1]))
        except (IndexError, ValueError, RecursionError):
            return _refusal("InvalidAuthenticationToken", "The access token is invalid.")
        if not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return _refusal(
                "InvalidAuthenticationToken", "The access token has an invalid signature."
            )
        if claims["exp"] <= time.time():
            return _refusal(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is in the past."
            )
        if claims["aud"] not in audiences:
            return _refusal(
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource "
                f"'{claims['aud']}'. It should exactly match with one of the allowed audiences "
                + ", ".join(f"'{a}'" for a in audiences)
                + ".",
            )
        return claims

    def _span(self, audience: str, tenant: str) -> JsonObject:
        now = int(time.time())
        return {
            "aud": audience,
            "iss": f"{self.state.arm}/{tenant}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + self.life,
        }

    def _sign(self, claims: JsonObject) -> str:
        head = {"alg": "HS256", "typ": "JWT", "kid": "sandbox"}
        body = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
        return f"{body}.{self._mac(body)}"

    def _mac(self, body: str) -> str:
        key = self.state.derive("tokens").encode()
        return b64(hmac.new(key, body.encode(), hashlib.sha256).digest())


def _refusal(code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, 401)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
