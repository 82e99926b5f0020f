"""Azure Resource Manager: who may come in, and which handler a request belongs to."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm.accounts import Accounts
from amlwizard.sandbox.arm.admission import Admission
from amlwizard.sandbox.arm.asked import Asked, Route
from amlwizard.sandbox.arm.groups import Groups
from amlwizard.sandbox.arm.operations import Operations
from amlwizard.sandbox.arm.providers import Providers
from amlwizard.sandbox.arm.resources import Resources
from amlwizard.sandbox.arm.subscription import Subscription
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.datacentre import DataCentre
from amlwizard.sandbox.entra.tokens import ARM, Tokens

SUBSCRIPTION = r"/subscriptions/[^/]+"
GROUP = rf"{SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+)"


class Arm:
    def __init__(self, centre: DataCentre, tokens: Tokens) -> None:
        self.world, self.tokens = centre.world, tokens
        accounts, providers = Accounts(centre.world), Providers(centre.world)
        operations = Operations(centre.world)
        admission = Admission(centre.world, providers)
        groups = Groups(centre, admission, operations)
        self.resources = Resources(centre, admission, operations)
        # Method, path, handler, in the order they are tried; a handler gets what the path names.
        # What fits none of them is a resource, or unknown.
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
            *Subscription(centre.world, operations).routes,
        )

    async def handle(self, request: Request) -> Response:
        claims = self.tokens.check(request, *ARM, self.world.arm)
        if isinstance(claims, Response):
            return claims
        try:
            answer = await self._answer(await Asked.read(request, claims))
            self.world.settle()
            return answer
        except ArmError as error:
            later = self.world.clock.later(error.again) if error.again else None
            return JSONResponse(error.body(), error.status, later)
        finally:
            if request.method != "GET":
                self.world.save()

    def _must_be_for_the_tenant(self, asked: Asked) -> None:
        """A token opens the subscriptions of its own tenant only."""
        given, subscription = asked.claims["tid"], asked.id.subscription
        if subscription and given != (tenant := self.world.tenant_of(subscription)):
            raise ArmError(
                401,
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer '{self.world.arm}/{given}/'. It must "
                f"match the tenant '{self.world.arm}/{tenant}/' associated with this "
                f"subscription. Please use the authority (URL) '{self.world.arm}/{tenant}' to get "
                "the token.",
            )

    async def _answer(self, asked: Asked) -> Response:
        self.world.settle()
        known = self.world.data["subscriptions"]
        if asked.path.lower().startswith("/subscriptions/") and asked.id.subscription not in known:
            raise ArmError(
                404,
                "SubscriptionNotFound",
                f"The subscription '{asked.id.subscription}' could not be found.",
            )
        self._must_be_for_the_tenant(asked)
        for methods, pattern, handler in self.routes:
            matched = re.fullmatch(pattern, asked.path, re.IGNORECASE)
            if matched and asked.method in methods.split("|"):
                return handler(asked, **matched.groupdict())
        return await self.resources.handle(asked)
