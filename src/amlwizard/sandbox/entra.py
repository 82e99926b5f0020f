"""Entra ID: device code, client credentials, workload and managed identities, refresh tokens, and
the page where a person agrees.

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
        self.code_life, self.token_life = CODE_LIFE, LIFE

    # -- tokens

    def audience(self, resource: str) -> str | None:
        resource = resource.rstrip("/")
        known = (*ARM, DATABRICKS, ML, self.world.arm)
        return resource if resource in known else None

    def issue(self, audience: str, principal: dict[str, str], tenant: str) -> str:
        """An access token. `principal` has an `oid`, and the `upn` of a person or the `appid` of a
        service principal or managed identity."""
        canary = self.world.planted.get("access_token")
        now = int(time.time())
        claims = {
            "aud": audience,
            "iss": f"{self.world.arm}/{tenant}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + self.token_life,
            "tid": tenant,
            **principal,
            **({"idtyp": "app"} if "appid" in principal else {}),
            **({"jti": canary} if canary else {}),
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
        return self.verify(token, *audiences)

    def verify(self, token: str, *audiences: str) -> dict[str, Any] | Response:
        """The claims of a token, or the answer that refuses it."""
        body, _, mac = token.rpartition(".")
        try:
            claims: dict[str, Any] = json.loads(_unb64(body.split(".")[1]))
        except (IndexError, ValueError):
            return refusal("InvalidAuthenticationToken", "The access token is invalid.")
        if not hmac.compare_digest(mac, self._mac(body)):
            return refusal(
                "InvalidAuthenticationToken", "The access token has an invalid signature."
            )
        if claims["exp"] <= time.time():
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
        tenant = self._tenant(request)
        if isinstance(tenant, Response):
            return tenant
        if refused := self._bad_scope(form):
            return refused
        device = secrets.token_urlsafe(32)
        alphabet = "BCDFGHJKLMNPQRSTVWXZ23456789"
        user_code = self.world.planted.get("user_code") or "".join(
            secrets.choice(alphabet) for _ in range(9)
        )
        self.codes[device] = DeviceCode(
            user_code,
            time.time() + self.code_life,
            tenant,
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
        tenant = self._tenant(request)
        if isinstance(tenant, Response):
            return tenant
        if refused := self._bad_scope(form):
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
            return self._tokens(form, tenant, refresh=True)
        if grant == "refresh_token":
            return self._refresh(form, tenant)
        if grant == "client_credentials":
            return self._client(form, tenant)
        return _oauth("unsupported_grant_type", f"AADSTS70003: {grant} is not supported.")

    def _refresh(self, form: dict[str, str], tenant: str) -> Response:
        try:
            held = json.loads(self.world.unseal(form.get("refresh_token", "")))
        except Exception:
            return _oauth("invalid_grant", "AADSTS9002313: The refresh token is malformed.")
        if held["oid"] != self.world.data["person"]["oid"]:
            return _oauth("invalid_grant", "AADSTS50173: The grant was revoked.")
        if tenant != held["tid"] and self.world.tenants[tenant].get("second_factor"):
            return _oauth(
                "interaction_required",
                "AADSTS50076: Due to a configuration change made by your administrator, or because "
                "you moved to a new location, you must use multi-factor authentication.",
            )
        return self._tokens(form, tenant, refresh=True)

    def _client(self, form: dict[str, str], tenant: str) -> Response:
        """A service principal that shows its secret, or the token of a workload that it trusts."""
        shown, what = form.get("client_secret"), "secret"
        if "client_assertion" in form:
            shown, what = form["client_assertion"], "assertion"
        for oid, sp in self.world.data["principals"].items():
            if sp["client_id"] != form.get("client_id"):
                continue
            if sp.get(what) and hmac.compare_digest(self.world.unseal(sp[what]), shown or ""):
                return self._tokens(form, tenant, {"oid": oid, "appid": sp["client_id"]})
            if what == "assertion":
                return _oauth(
                    "invalid_client",
                    "AADSTS70021: No matching federated identity record found for presented "
                    "assertion.",
                    401,
                )
            return _oauth("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
        return _oauth(
            "unauthorized_client",
            f"AADSTS700016: Application with identifier '{form.get('client_id')}' was not found in "
            f"the directory '{tenant}'.",
        )

    async def managed_identity(self, request: Request) -> Response:
        """The token endpoint of App Service, for what runs there: IDENTITY_ENDPOINT."""
        header = self.world.planted.get("identity_header")
        given = request.headers.get("x-identity-header", "")
        audience = self.audience(request.query_params.get("resource", ""))
        if not header or not hmac.compare_digest(header, given) or audience is None:
            return JSONResponse({"statusCode": 400, "message": "No identity, or no resource."}, 400)
        oid = str(uuid.uuid5(uuid.NAMESPACE_URL, "managed-identity"))
        token = self.issue(audience, {"oid": oid, "appid": oid}, self.world.tenant)
        return JSONResponse(
            {
                "access_token": token,
                "expires_on": str(int(time.time()) + self.token_life),
                "resource": audience,
                "token_type": "Bearer",
                "client_id": oid,
            }
        )

    def _tokens(
        self,
        form: dict[str, str],
        tenant: str,
        principal: dict[str, str] | None = None,
        refresh: bool = False,
    ) -> Response:
        """The answer with tokens: for the person, unless a `principal` is given."""
        person = self.world.data["person"]
        principal = principal or {"oid": person["oid"], "upn": person["name"]}
        audience = self.audience(_resource(form)) or ARM[0]
        now = int(time.time())
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": form.get("scope", ""),
            "expires_in": self.token_life,
            "ext_expires_in": self.token_life,
            "access_token": self.issue(audience, principal, tenant),
        }
        if refresh:
            identity = {
                "aud": form.get("client_id", ""),
                "iss": f"{self.world.arm}/{tenant}/v2.0",
                "iat": now,
                "exp": now + self.token_life,
                "sub": person["oid"],
                "oid": person["oid"],
                "tid": tenant,
                "preferred_username": person["name"],
                "name": person["name"],
                "ver": "2.0",
            }
            info = {"uid": person["oid"], "utid": self.world.tenant}
            body["id_token"] = self._sign(identity)
            body["client_info"] = _b64(json.dumps(info).encode())
            held = {"oid": person["oid"], "tid": tenant}
            body["refresh_token"] = self.world.seal(json.dumps(held))
        return JSONResponse(body)

    def _tenant(self, request: Request) -> str | Response:
        """The id of the tenant that the path names; the refusal where there is none."""
        named = request.path_params["tenant"]
        if named in ("organizations", "common"):
            return self.world.tenant
        for tenant, given in self.world.tenants.items():
            if named.lower() in (tenant.lower(), given["domain"].lower()):
                return tenant
        return _oauth("invalid_request", f"AADSTS90002: Tenant '{named}' not found.")

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


def add_principal(world: World, client_id: str, secret: str = "", assertion: str = "") -> str:
    """A service principal that may sign in with a client secret, or with the token of a workload
    that it trusts (`assertion`); answer its object id."""
    oid = str(uuid.uuid5(uuid.NAMESPACE_URL, client_id))
    proofs = {"secret": secret, "assertion": assertion}
    sealed = {name: world.seal(proof) for name, proof in proofs.items() if proof}
    world.data["principals"][oid] = {"client_id": client_id, **sealed}
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
