"""Entra ID: device code, client credentials, refresh tokens, and the page where a person agrees.

A token is a JWT signed with the sandbox's own key; every API checks audience, expiry, signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from amlwizard.sandbox.world import World

ARM = ("https://management.azure.com", "https://management.core.windows.net")
DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
ML = "https://ml.azure.com"
LIFE = 3600
CODE_LIFE = 900


@dataclass
class DeviceCode:
    user_code: str
    expires: float
    tenant: str
    state: str = "pending"


class Entra:
    """`approve` plays the person: every device code is agreed to as soon as it is asked for."""

    def __init__(self, world: World, approve: bool) -> None:
        self.world, self.approve = world, approve
        self.codes: dict[str, DeviceCode] = {}
        self.code_life = CODE_LIFE

    # -- tokens

    def audience(self, resource: str) -> str | None:
        resource = resource.rstrip("/")
        known = (*ARM, DATABRICKS, ML, self.world.arm)
        return resource if resource in known else None

    def issue(self, audience: str, principal: dict[str, str]) -> str:
        if audience in ARM and "access_token" in self.world.planted:
            canary = {"jti": self.world.planted["access_token"]}
        else:
            canary = {}
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": f"{self.world.arm}/{self.world.tenant}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + LIFE,
            "tid": self.world.tenant,
            "oid": principal["oid"],
            "upn": principal["name"],
            **canary,
        }
        return self._sign(claims)

    def _sign(self, claims: dict[str, Any]) -> str:
        head = {"alg": "HS256", "typ": "JWT", "kid": "sandbox"}
        body = ".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
        return f"{body}.{self._mac(body)}"

    def _mac(self, body: str) -> str:
        key = self.world.derive("tokens").encode()
        return _b64(hmac.new(key, body.encode(), hashlib.sha256).digest())

    def check(self, request: Request, *audiences: str) -> dict[str, Any] | Response:
        """The claims of the request's bearer token, or the answer that refuses it."""
        header = request.headers.get("authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return refusal(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            )
        body, _, mac = token.rpartition(".")
        try:
            claims: dict[str, Any] = json.loads(_unb64(body.split(".")[1]))
        except (IndexError, ValueError):
            return refusal("InvalidAuthenticationToken", "The access token is invalid.")
        if not hmac.compare_digest(mac, self._mac(body)):
            return refusal(
                "InvalidAuthenticationToken", "The access token has an invalid signature."
            )
        if claims["exp"] < time.time():
            return refusal(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is in the past."
            )
        if claims["aud"] not in audiences:
            return refusal(
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource "
                f"'{claims['aud']}'. It should exactly match with one of the allowed audiences "
                + ", ".join(f"'{a}'" for a in audiences)
                + ".",
            )
        return claims

    # -- endpoints

    async def discovery(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        base = f"{self.world.arm}/{tenant}"
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "issuer": f"{self.world.arm}/{self.world.tenant}/v2.0",
                "tenant_region_scope": None,
                "response_types_supported": ["code", "id_token"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    async def device_code(self, request: Request) -> Response:
        form = await _form(request)
        refused = self._unknown_tenant(request) or self._bad_scope(form)
        if refused:
            return refused
        device = secrets.token_urlsafe(32)
        alphabet = "BCDFGHJKLMNPQRSTVWXZ23456789"
        user_code = self.world.planted.get("user_code") or "".join(
            secrets.choice(alphabet) for _ in range(9)
        )
        self.codes[device] = DeviceCode(
            user_code,
            time.time() + self.code_life,
            self.world.tenant,
            "approved" if self.approve else "pending",
        )
        return JSONResponse(
            {
                "device_code": device,
                "user_code": user_code,
                "verification_uri": f"{self.world.arm}/device",
                "expires_in": int(self.code_life),
                "interval": 1,
                "message": f"To sign in, open {self.world.arm}/device and enter {user_code}",
            }
        )

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        refused = self._unknown_tenant(request) or self._bad_scope(form)
        if refused:
            return refused
        grant = form.get("grant_type", "")
        if grant.endswith("device_code"):
            code = self.codes.get(form.get("device_code", ""))
            if code is None:
                return _oauth("invalid_grant", "AADSTS70000: The device code is not known.")
            if code.state == "declined":
                return _oauth("authorization_declined", "AADSTS70020: The person declined.")
            if code.expires < time.time():
                return _oauth("expired_token", "AADSTS70019: Verification code expired.")
            if code.state != "approved":
                return _oauth(
                    "authorization_pending", "AADSTS70016: Pending end-user authorization."
                )
            del self.codes[form["device_code"]]
            return self._tokens(form, self.world.data["person"])
        if grant == "refresh_token":
            sealed = form.get("refresh_token", "")
            try:
                principal = json.loads(self.world.unseal(sealed))
            except Exception:
                return _oauth("invalid_grant", "AADSTS9002313: The refresh token is malformed.")
            return self._tokens(form, principal)
        if grant == "client_credentials":
            known = self.world.data["principals"]
            for oid, sp in known.items():
                if sp["client_id"] == form.get("client_id") and hmac.compare_digest(
                    self.world.unseal(sp["secret"]), form.get("client_secret", "")
                ):
                    return self._tokens(form, {"oid": oid, "name": sp["client_id"]}, refresh=False)
            return _oauth("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
        return _oauth("unsupported_grant_type", f"AADSTS70003: {grant} is not supported.")

    def _tokens(
        self, form: dict[str, str], principal: dict[str, str], refresh: bool = True
    ) -> Response:
        audience = self.audience(_resource(form)) or ARM[0]
        now = int(time.time())
        identity = {
            "aud": form.get("client_id", ""),
            "iss": f"{self.world.arm}/{self.world.tenant}/v2.0",
            "iat": now,
            "exp": now + LIFE,
            "sub": principal["oid"],
            "oid": principal["oid"],
            "tid": self.world.tenant,
            "preferred_username": principal["name"],
            "name": principal["name"],
            "ver": "2.0",
        }
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": form.get("scope", ""),
            "expires_in": LIFE,
            "ext_expires_in": LIFE,
            "access_token": self.issue(audience, principal),
        }
        if refresh:
            info = {"uid": principal["oid"], "utid": self.world.tenant}
            body["id_token"] = self._sign(identity)
            body["client_info"] = _b64(json.dumps(info).encode())
            body["refresh_token"] = self.world.seal(json.dumps(principal))
        return JSONResponse(body)

    def _unknown_tenant(self, request: Request) -> Response | None:
        tenant = request.path_params["tenant"]
        if tenant in ("organizations", "common", self.world.tenant):
            return None
        return _oauth("invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")

    def _bad_scope(self, form: dict[str, str]) -> Response | None:
        resource = _resource(form)
        if resource and self.audience(resource) is None:
            return _oauth(
                "invalid_resource",
                f"AADSTS500011: The resource principal named {resource} was not found in the "
                f"tenant {self.world.tenant}.",
            )
        return None

    # -- the person

    def answer(self, user_code: str, state: str) -> bool:
        for code in self.codes.values():
            if code.user_code.upper() == user_code.strip().upper() and code.state == "pending":
                code.state = state
                return True
        return False

    async def page(self, request: Request) -> Response:
        """What a browser shows: enter the code, agree or decline."""
        said = ""
        if request.method == "POST":
            form = await _form(request)
            state = "declined" if form.get("answer") == "decline" else "approved"
            found = self.answer(form.get("code", ""), state)
            said = f"You have {state} the sign-in." if found else "That code is not known."
        return HTMLResponse(
            "<!doctype html><title>Sandbox sign-in</title>"
            "<style>body{font:18px sans-serif;margin:4em}input,button{font:inherit}</style>"
            f"<h1>Sign in to the sandbox cloud</h1><p>{html.escape(said)}</p>"
            '<form method="post"><input name="code" placeholder="Code" autofocus> '
            '<button name="answer" value="approve">Continue</button> '
            '<button name="answer" value="decline">Decline</button></form>'
        )


def add_principal(world: World, client_id: str, secret: str) -> str:
    """A service principal that may sign in with a client secret; answer its object id."""
    oid = str(uuid.uuid5(uuid.NAMESPACE_URL, client_id))
    world.data["principals"][oid] = {"client_id": client_id, "secret": world.seal(secret)}
    return oid


def refusal(code: str, message: str, status: int = 401) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def _oauth(error: str, description: str, status: int = 400) -> Response:
    return JSONResponse(
        {
            "error": error,
            "error_description": description,
            "error_codes": [int("".join(filter(str.isdigit, description.split(":")[0])))],
            "correlation_id": str(uuid.uuid4()),
        },
        status,
    )


def _resource(form: dict[str, str]) -> str:
    for scope in form.get("scope", "").split():
        if scope not in ("openid", "profile", "offline_access"):
            return scope.rpartition("/")[0].rstrip("/") if "/" in scope else scope
    return form.get("resource", "")


async def _form(request: Request) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
