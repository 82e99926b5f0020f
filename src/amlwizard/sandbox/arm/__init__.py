"""Azure Resource Manager: authentication and routing."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm.accounts import Accounts
from amlwizard.sandbox.arm.admission import Admission
from amlwizard.sandbox.arm.groups import Groups
from amlwizard.sandbox.arm.operations import Operations
from amlwizard.sandbox.arm.providers import Providers
from amlwizard.sandbox.arm.request import ArmRequest, Route
from amlwizard.sandbox.arm.resources import Resources
from amlwizard.sandbox.arm.subscription import SubscriptionApi
from amlwizard.sandbox.arm.tags import Tags
from amlwizard.sandbox.arm.throttling import Throttling
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.entra.tokens import ARM, Tokens
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Services
from amlwizard.sandbox.state import State

SUBSCRIPTION = r"/subscriptions/[^/]+"
GROUP = rf"{SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+)"


class ArmApi:
    def __init__(self, state: State, tokens: Tokens, services: Services) -> None:
        self.state, self.tokens = state, tokens
        accounts, providers = Accounts(state), Providers(state)
        operations = Operations(state)
        self.throttling = Throttling(state)
        admission = Admission(state, providers)
        groups = Groups(state, services, admission, operations)
        tags = Tags(state, admission)
        self.resources = Resources(state, services, admission, operations)
        # Method, path pattern and handler, in order of precedence; named groups are keyword arguments.
        # Everything else is a resource or unknown.
        self.routes: tuple[Route, ...] = (
            ("GET", r"/tenants", accounts.tenants),
            ("GET", r"/subscriptions", accounts.subscriptions),
            ("GET", SUBSCRIPTION, accounts.subscription),
            ("GET", rf"{SUBSCRIPTION}/locations", accounts.locations),
            (
                "GET",
                r".*/(?P<form>operationStatuses|operationResults)/(?P<name>[0-9a-f-]{36})",
                operations.poll,
            ),
            ("GET", rf"{SUBSCRIPTION}/providers", providers.every),
            ("GET", rf"{SUBSCRIPTION}/providers/(?P<namespace>[^/]+)", providers.one),
            (
                "POST",
                rf"{SUBSCRIPTION}/providers/(?P<namespace>[^/]+)/(?P<verb>register|unregister)",
                providers.change,
            ),
            ("GET", rf"(?P<scope>{SUBSCRIPTION}|{GROUP})/resources", groups.contents),
            ("GET", rf"{SUBSCRIPTION}/resourceGroups", groups.every),
            ("GET|HEAD", GROUP, groups.read),
            ("PUT|PATCH", GROUP, groups.write),
            ("DELETE", GROUP, groups.delete),
            ("GET", rf"{GROUP}/providers/Microsoft\.Resources/tags/default", tags.read),
            ("PATCH", rf"{GROUP}/providers/Microsoft\.Resources/tags/default", tags.change),
            *SubscriptionApi(state, operations).routes,
        )

    async def handle(self, request: Request) -> Response:
        claims = self.tokens.check(request, *ARM, self.state.arm)
        if isinstance(claims, Response):
            return claims
        rid = ResourceId.parse(request.url.path)
        left, refusal = self.throttling.counted(request.method, rid, claims["oid"])
        answer = await self._handled(request, claims, refusal)
        answer.headers.update(left)
        return answer

    async def _handled(
        self, request: Request, claims: JsonObject, refusal: ArmError | None
    ) -> Response:
        try:
            if refusal:
                raise refusal
            answer = await self._answer(await ArmRequest.read(request, claims))
            self.state.settle()
            return answer
        except ArmError as error:
            later = self.state.clock.later(error.again) if error.again else None
            return JSONResponse(error.body(), error.status, later)
        finally:
            if request.method != "GET":
                self.state.save()

    def _must_be_for_the_tenant(self, request: ArmRequest) -> None:
        """A token is valid for subscriptions of its own tenant only."""
        given, subscription = request.claims["tid"], request.id.subscription
        if subscription and given != (tenant := self.state.tenant_of(subscription)):
            raise ArmError(
                401,
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer '{self.state.arm}/{given}/'. It must "
                f"match the tenant '{self.state.arm}/{tenant}/' associated with this "
                f"subscription. Please use the authority (URL) '{self.state.arm}/{tenant}' to get "
                "the token.",
            )

    async def _answer(self, request: ArmRequest) -> Response:
        self.state.settle()
        known = self.state.data.subscriptions
        if (
            request.path.lower().startswith("/subscriptions/")
            and request.id.subscription not in known
        ):
            raise ArmError(
                404,
                "SubscriptionNotFound",
                f"The subscription '{request.id.subscription}' could not be found.",
            )
        self._must_be_for_the_tenant(request)
        for methods, pattern, handler in self.routes:
            if request.method not in methods.split("|"):
                continue
            if matched := re.fullmatch(pattern, request.path, re.IGNORECASE):
                return handler(request, **matched.groupdict())
        return await self.resources.handle(request)
