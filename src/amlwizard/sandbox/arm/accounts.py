"""Tenants, subscriptions and locations."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm.request import ArmRequest, listed
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.regions import REGIONS
from amlwizard.sandbox.state import State


class Accounts:
    def __init__(self, state: State) -> None:
        self.state = state

    def tenants(self, request: ArmRequest) -> Response:
        return _last_page(
            [
                {
                    "id": f"/tenants/{tenant}",
                    "tenantId": tenant,
                    "displayName": given.name,
                    "defaultDomain": given.domain,
                    "tenantCategory": "Home" if tenant == self.state.tenant else "ProjectedBy",
                }
                for tenant, given in self.state.tenants.items()
            ]
        )

    def subscriptions(self, request: ArmRequest) -> Response:
        """Those of the token's tenant."""
        here = [
            name
            for name in self.state.data.subscriptions
            if self.state.tenant_of(name) == request.claims["tid"]
        ]
        return _last_page([self._shown(name) for name in here])

    def subscription(self, request: ArmRequest) -> Response:
        return JSONResponse(self._shown(request.id.subscription))

    def locations(self, request: ArmRequest) -> Response:
        return listed(
            [
                {
                    "id": f"/subscriptions/{request.id.subscription}/locations/{region}",
                    "name": region,
                    "displayName": region,
                    "regionalDisplayName": region,
                    "metadata": {
                        "regionType": "Physical",
                        "geography": geography,
                        "geographyGroup": group,
                    },
                }
                for region, (geography, group) in sorted(REGIONS.items())
            ]
        )

    def _shown(self, name: str) -> JsonObject:
        given = self.state.data.subscriptions[name]
        return {
            "id": f"/subscriptions/{name}",
            "subscriptionId": name,
            "displayName": given.name,
            "tenantId": self.state.tenant_of(name),
            "state": given.state,
            "authorizationSource": "RoleBased",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }


def _last_page(items: list[JsonObject]) -> Response:
    """Azure always sends a nextLink for tenants and subscriptions; an empty one ends the list."""
    return JSONResponse({"value": items, "nextLink": ""})
