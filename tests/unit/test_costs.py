"""What a platform costs: what of a recipe is metered, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from support import recipe_of

from amlwizard.cloud import azure_public, retail_prices
from amlwizard.costs import Charge, Costs, Meter, Price, rounded
from amlwizard.prices import needs
from amlwizard.steps import steps_for

NAT = Meter("NAT Gateway", "Global", "Standard Gateway", "Standard")


def needed(name: str = "quickstart", **settings: str) -> dict[str, int]:
    recipe = recipe_of(name, **settings)
    return {need.title: need.count for need in needs(recipe, steps_for(recipe))}


def test_everything_that_is_charged_by_the_hour_is_needed_once() -> None:
    assert needed() == {
        "AKS node Standard_D4ds_v5": 3,
        "Public IP address": 3,  # of the NAT gateway, of AKS to go out, and of the endpoint
        "NAT gateway": 1,
        "Private endpoint": 5,
        "Private DNS zone": 6,
        "Container registry, Premium": 1,
        "Load balancer of AKS": 1,
        "Databricks node Standard_D4ds_v5": 1,
        "Databricks unit (DBU)": 1,
    }


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({"security__secure_entry": "bastion"}, {"Bastion": 1, "Public IP address": 4}),
        ({"security__secure_entry": "vpn-gateway"}, {"VPN gateway VpnGw1AZ": 1}),
        ({"serving__load_balancer": "internal"}, {"Load balancer of AKS": 2, "Public IP address": 2}),
        (
            {"serving__load_balancer": "internal", "security__aks_outbound": "nat-gateway"},
            {"Load balancer of AKS": 1, "Public IP address": 1},
        ),
        ({"training__workers": "2"}, {"Databricks node Standard_D4ds_v5": 3}),
    ],
)  # fmt: skip
def test_what_a_recipe_asks_for_is_in_it(settings: dict[str, str], more: dict[str, int]) -> None:
    assert needed(**settings).items() >= more.items()


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0.0, "0"), (0.2719, "0.27"), (1.08, "1.1"), (37.6, "38"), (1234.0, "1,200"), (0.05, "0.05")],
)
def test_no_more_figures_are_told_than_are_meant(amount: float, shown: str) -> None:
    assert rounded(amount) == shown


def test_a_total_without_some_prices_is_a_least() -> None:
    nat, node = (
        Charge("NAT gateway", NAT),
        Charge("node", Meter("Virtual Machines", "x"), 3, most=5),
    )
    price = Price(0.05, "USD", "2026-11-27")
    costs = Costs((nat, node), {NAT: price})
    assert costs.summary.startswith("At least 1.2 USD a day, 36 USD a month, by")
    assert ("3 x node", "price not known") in costs.lines()
    whole = replace(costs, prices={**costs.prices, node.meter: replace(price, hourly=0.25)})
    assert whole.summary.startswith("About 19 USD a day, 580 USD a month")
    assert ("node, at most 5", "30 USD a day") in whole.lines()
    assert whole.most_of_it == "Most of it: 3 x node (18 USD a day), NAT gateway (1.2 USD a day)."


def test_what_costs_only_while_training_is_told_apart() -> None:
    cluster = Charge("Databricks node", Meter("Virtual Machines", "x"), 2, training=True)
    price = Price(0.25, "USD", "2026-11-27")
    costs = Costs((Charge("NAT gateway", NAT), cluster), {NAT: price, cluster.meter: price})
    assert costs.summary.startswith("About 6.0 USD a day")
    assert ("2 x Databricks node, while training", "0.5 USD an hour") in costs.lines()


def test_without_prices_it_says_why() -> None:
    costs = Costs((Charge("NAT gateway", NAT),), problem="The price list could not be read.")
    assert costs.summary == "Prices are not known: The price list could not be read."


# -- the price list, as its page shows it


def row(**other: Any) -> dict[str, Any]:
    return {
        "currencyCode": "USD", "tierMinimumUnits": 0.0, "retailPrice": 0.272, "unitPrice": 0.272,
        "armRegionName": "westeurope", "location": "EU West", "effectiveStartDate": "2021-10-01T00:00:00Z",
        "meterName": "D4ds v5", "productName": "Virtual Machines Ddsv5 Series", "skuName": "D4ds v5",
        "serviceName": "Virtual Machines", "serviceFamily": "Compute", "unitOfMeasure": "1 Hour",
        "type": "Consumption", "isPrimaryMeterRegion": True, "armSkuName": "Standard_D4ds_v5", **other,
    }  # fmt: skip


OTHERS = [
    row(productName="Virtual Machines Ddsv5 Series Windows", retailPrice=0.456),
    row(skuName="D4ds v5 Spot", meterName="D4ds v5 Spot", retailPrice=0.05),
    row(skuName="D4ds v5 Low Priority", retailPrice=0.054),
    row(type="DevTestConsumption", retailPrice=0.2),
    row(tierMinimumUnits=100.0, retailPrice=0.1),
    row(isPrimaryMeterRegion=False, retailPrice=0.3, effectiveStartDate="2024-01-01T00:00:00Z"),
    row(currencyCode="EUR", retailPrice=0.25),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.URL]:
    """The addresses that are asked; the price that counts comes on the second page."""
    urls: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(request.url)
        second = "$skip" in request.url.params
        link = "https://prices.azure.com:443/api/retail/prices?$filter=x&$skip=100"
        items = [row()] if second else OTHERS
        return httpx.Response(200, json={"Items": items, "NextPageLink": None if second else link})

    def client(*_: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer))

    monkeypatch.setattr(retail_prices, "client", client)
    return urls


def test_of_many_prices_the_one_for_linux_at_any_time_counts(asked: list[httpx.URL]) -> None:
    size = Meter("Virtual Machines", "westeurope", size="Standard_D4ds_v5")
    assert retail_prices.prices(azure_public(), [size], "USD") == {size: 0.272}
    first, second = asked
    assert first.params["api-version"] == "2023-01-01-preview"
    assert first.params["currencyCode"] == "'USD'"
    assert first.params["$filter"] == (
        "serviceName eq 'Virtual Machines' and armRegionName eq 'westeurope' and "
        "armSkuName eq 'Standard_D4ds_v5' and priceType eq 'Consumption'"
    )
    assert str(second).startswith("https://prices.azure.com/api/retail/prices?")


def test_what_is_not_listed_has_no_price(asked: list[httpx.URL]) -> None:
    assert retail_prices.prices(azure_public(), [NAT], "USD") == {}
