"""The endpoints of Entra ID, and the token endpoint of managed identities."""

from __future__ import annotations

import hmac
import json
import time
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.entra import connection_owner, pages
from amlwizard.sandbox.entra.browsers import Browsers
from amlwizard.sandbox.entra.device_codes import DeviceCodes
from amlwizard.sandbox.entra.oauth import Form, form_of, refusal, resource_of
from amlwizard.sandbox.entra.principals import recognise
from amlwizard.sandbox.entra.tokens import ARM, Tokens, b64
from amlwizard.sandbox.state import State


class Entra:
    """`approve`: sign-ins of the owner are approved automatically."""

    def __init__(self, state: State, approve: bool) -> None:
        self.state, self.tokens = state, Tokens(state)
        self.codes = DeviceCodes(state, approve)
        self.browsers = Browsers(self.codes)

    async def discovery(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        base = f"{self.state.arm}/{tenant}"
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "issuer": f"{self.state.arm}/{self.state.tenant}/v2.0",
                "tenant_region_scope": None,
                "response_types_supported": ["code", "id_token"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    async def device_code(self, request: Request) -> Response:
        asked = await self._asked(request)
        if isinstance(asked, Response):
            return asked
        _, tenant = asked
        device, user_code = self.codes.give(tenant, pages.is_owner(request))
        page = (
            self.codes.address if connection_owner.is_owner(request) else f"{self.state.arm}/device"
        )
        return JSONResponse(
            {
                "device_code": device,
                "user_code": user_code,
                "verification_uri": page,
                "expires_in": int(self.codes.life),
                "interval": 1,
                "message": f"To sign in, open {page} and enter {user_code}",
            }
        )

    async def token(self, request: Request) -> Response:
        asked = await self._asked(request)
        if isinstance(asked, Response):
            return asked
        form, tenant = asked
        grant = form.get("grant_type", "")
        if grant.endswith("device_code"):
            return self.codes.redeem(form.get("device_code", "")) or self._sign_in(form, tenant)
        if grant == "authorization_code":
            given = self.browsers.redeem(form)
            if isinstance(given, Response):
                return given
            return self._sign_in(form, tenant, given.asked.get("nonce", ""))
        if grant == "refresh_token":
            return self._refresh(form, tenant)
        if grant == "client_credentials":
            principal = recognise(self.state, form, tenant)
            if isinstance(principal, Response):
                return principal
            return JSONResponse(self._access(form, tenant, principal))
        return refusal("unsupported_grant_type", f"AADSTS70003: {grant} is not supported.")

    async def managed_identity(self, request: Request) -> Response:
        """The managed identity endpoint of App Service (IDENTITY_ENDPOINT)."""
        header = self.state.planted.get("identity_header", "").encode()
        given = request.headers.get("x-identity-header", "").encode()
        audience = self.tokens.audience(request.query_params.get("resource", ""))
        if not header or not hmac.compare_digest(header, given) or audience is None:
            return JSONResponse({"statusCode": 400, "message": "No identity, or no resource."}, 400)
        oid = str(uuid.uuid5(uuid.NAMESPACE_URL, "managed-identity"))
        token = self.tokens.issue(audience, {"oid": oid, "appid": oid}, self.state.tenant)
        return JSONResponse(
            {
                "access_token": token,
                "expires_on": str(int(time.time()) + self.tokens.life),
                "resource": audience,
                "token_type": "Bearer",
                "client_id": oid,
            }
        )

    async def _asked(self, request: Request) -> tuple[Form, str] | Response:
        """The form and the tenant's id; an error response for an unknown tenant or resource."""
        form = await form_of(request)
        tenant = self._tenant(request)
        if isinstance(tenant, Response):
            return tenant
        return self._bad_scope(form) or (form, tenant)

    def _tenant(self, request: Request) -> str | Response:
        """The id of the tenant in the path; an error response if it is unknown."""
        named = request.path_params["tenant"]
        if named in ("organizations", "common"):
            return self.state.tenant
        for tenant, given in self.state.tenants.items():
            if named.lower() in (tenant.lower(), given.domain.lower()):
                return tenant
        return refusal("invalid_request", f"AADSTS90002: Tenant '{named}' not found.")

    def _bad_scope(self, form: Form) -> Response | None:
        resource = resource_of(form)
        if resource and self.tokens.audience(resource) is None:
            return refusal(
                "invalid_resource",
                f"AADSTS500011: The resource principal named {resource} was not found in the "
                f"tenant {self.state.tenant}.",
            )
        return None

    def _refresh(self, form: Form, tenant: str) -> Response:
        try:
            held = json.loads(self.state.unseal(form.get("refresh_token", "")))
        except ValueError:
            return refusal("invalid_grant", "AADSTS9002313: The refresh token is malformed.")
        if held["oid"] != self.state.data.person.oid:
            return refusal("invalid_grant", "AADSTS50173: The grant was revoked.")
        if tenant != held["tid"] and self.state.tenants[tenant].second_factor:
            return refusal(
                "interaction_required",
                "AADSTS50076: Due to a configuration change made by your administrator, or because "
                "you moved to a new location, you must use multi-factor authentication.",
            )
        return self._sign_in(form, tenant)

    def _sign_in(self, form: Form, tenant: str, nonce: str = "") -> Response:
        """Access, id and refresh tokens of the user."""
        person = self.state.data.person
        info = {"uid": person.oid, "utid": self.state.tenant}
        held = {"oid": person.oid, "tid": tenant}
        return JSONResponse(
            {
                **self._access(form, tenant, {"oid": person.oid, "upn": person.name}),
                "id_token": self.tokens.identify(form.get("client_id", ""), person, tenant, nonce),
                "client_info": b64(json.dumps(info).encode()),
                "refresh_token": self.state.seal(json.dumps(held)),
            }
        )

    def _access(self, form: Form, tenant: str, principal: dict[str, str]) -> JsonObject:
        audience = self.tokens.audience(resource_of(form)) or ARM[0]
        return {
            "token_type": "Bearer",
            "scope": form.get("scope", ""),
            "expires_in": self.tokens.life,
            "ext_expires_in": self.tokens.life,
            "access_token": self.tokens.issue(audience, principal, tenant),
        }
