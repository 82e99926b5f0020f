"""Tenants, subscriptions, regions."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm.asked import Asked, listed
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.world import World

# By geography, the border that data stays within; with the group that it is of.
GEOGRAPHIES = {
    ("Australia", "Asia Pacific"): "australiacentral australiaeast australiasoutheast",
    ("Austria", "Europe"): "austriaeast",
    ("Belgium", "Europe"): "belgiumcentral",
    ("Brazil", "South America"): "brazilsouth",
    ("Canada", "Canada"): "canadacentral canadaeast",
    ("India", "Asia Pacific"): "centralindia jioindiawest southindia westindia",
    ("United States", "US"): "centralus eastus eastus2 northcentralus southcentralus westcentralus "
    "westus westus2 westus3",
    ("Chile", "South America"): "chilecentral",
    ("Asia Pacific", "Asia Pacific"): "eastasia southeastasia",
    ("France", "Europe"): "francecentral",
    ("Germany", "Europe"): "germanywestcentral",
    ("Indonesia", "Asia Pacific"): "indonesiacentral",
    ("Israel", "Middle East"): "israelcentral",
    ("Italy", "Europe"): "italynorth",
    ("Japan", "Asia Pacific"): "japaneast japanwest",
    ("Korea", "Asia Pacific"): "koreacentral koreasouth",
    ("Malaysia", "Asia Pacific"): "malaysiawest",
    ("Mexico", "Mexico"): "mexicocentral",
    ("New Zealand", "Asia Pacific"): "newzealandnorth",
    ("Europe", "Europe"): "northeurope westeurope",
    ("Norway", "Europe"): "norwayeast",
    ("Poland", "Europe"): "polandcentral",
    ("Qatar", "Middle East"): "qatarcentral",
    ("South Africa", "Africa"): "southafricanorth",
    ("Spain", "Europe"): "spaincentral",
    ("Sweden", "Europe"): "swedencentral",
    ("Switzerland", "Europe"): "switzerlandnorth",
    ("UAE", "Middle East"): "uaenorth",
    ("United Kingdom", "Europe"): "uksouth ukwest",
}
REGIONS = {region: place for place, regions in GEOGRAPHIES.items() for region in regions.split()}


class Accounts:
    def __init__(self, world: World) -> None:
        self.world = world

    def tenants(self, asked: Asked) -> Response:
        return _last_page(
            [
                {
                    "id": f"/tenants/{tenant}",
                    "tenantId": tenant,
                    "displayName": given["name"],
                    "defaultDomain": given["domain"],
                    "tenantCategory": "Home" if tenant == self.world.tenant else "ProjectedBy",
                }
                for tenant, given in self.world.tenants.items()
            ]
        )

    def subscriptions(self, asked: Asked) -> Response:
        """Those of the tenant that the token is for."""
        here = [
            name
            for name in self.world.data["subscriptions"]
            if self.world.tenant_of(name) == asked.claims["tid"]
        ]
        return _last_page([self._shown(name) for name in here])

    def subscription(self, asked: Asked) -> Response:
        return JSONResponse(self._shown(asked.id.subscription))

    def locations(self, asked: Asked) -> Response:
        return listed(
            [
                {
                    "id": f"/subscriptions/{asked.id.subscription}/locations/{region}",
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
        given = self.world.data["subscriptions"][name]
        return {
            "id": f"/subscriptions/{name}",
            "subscriptionId": name,
            "displayName": given["name"],
            "tenantId": self.world.tenant_of(name),
            "state": given["state"],
            "authorizationSource": "RoleBased",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }


def _last_page(items: list[JsonObject]) -> Response:
    """Tenants and subscriptions always have a nextLink; an empty one ends the list."""
    return JSONResponse({"value": items, "nextLink": ""})


def region(text: str, code: str = "LocationNotAvailableForResourceType") -> str:
    """A region by its name, as ARM writes it; refused with the code where there is none."""
    name = text.replace(" ", "").lower()
    if name not in REGIONS:
        raise ArmError(
            400,
            code,
            f"The provided location '{text}' is not available. List of available regions is "
            f"'{','.join(REGIONS)}'.",
        )
    return name
