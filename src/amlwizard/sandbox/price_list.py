"""Azure's list prices, by the Azure Retail Prices API: what its page documents of filters, paging and
fields. Its figures are list prices of 2026 in US dollars, the same in every region."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.regions import REGIONS
from amlwizard.sandbox.resource_types.vm_sizes import MACHINES

PAGE = 100
CONDITION = re.compile(r"(\w+) eq '([^']*)'")
FIELDS = {
    "armRegionName", "location", "meterId", "meterName", "productId", "skuId", "productName", "skuName",
    "serviceName", "serviceId", "serviceFamily", "priceType", "armSkuName",
}  # fmt: skip
"""What can be filtered by; ``priceType`` is called ``type`` in a price."""
PER_CORE = {
    "DSv2": 0.0735, "BS": 0.024, "Basv2": 0.0195, "DSv3": 0.06, "DSv5": 0.0575, "DDSv5": 0.068,
    "DASv5": 0.052, "DADSv5": 0.0618, "DPSv5": 0.046, "ESv5": 0.076, "EDSv5": 0.0865, "FSv2": 0.0485,
}  # fmt: skip
EVERYWHERE = ("Global",)
LISTED = (
    # regions, service, product, SKU, meter, unit, price
    (EVERYWHERE, "NAT Gateway", "NAT Gateway", "Standard", "Standard Gateway", "1 Hour", 0.045),
    (EVERYWHERE, "NAT Gateway", "NAT Gateway", "Standard", "Standard Data Processed", "1 GB", 0.045),
    (EVERYWHERE, "Load Balancer", "Load Balancer", "Standard",
     "Standard Included LB Rules and Outbound Rules", "1 Hour", 0.025),
    (EVERYWHERE, "Load Balancer", "Load Balancer", "Standard", "Standard Data Processed", "1 GB", 0.005),
    (EVERYWHERE, "Virtual Network", "Virtual Network Private Link", "Standard",
     "Standard Private Endpoint", "1 Hour", 0.01),
    (REGIONS, "Virtual Network", "IP Addresses", "Standard", "Standard IPv4 Static Public IP", "1 Hour", 0.005),
    (("",), "Azure DNS", "Azure DNS", "Private", "Private Zone", "1", 0.5),
    (("Zone 1",), "Azure DNS", "Azure DNS", "Private", "Private Zone", "1", 0.5),
    (REGIONS, "Azure Bastion", "Azure Bastion", "Standard", "Standard Gateway", "1 Hour", 0.29),
    (REGIONS, "Azure Bastion", "Azure Bastion", "Basic", "Basic Gateway", "1 Hour", 0.19),
    (REGIONS, "VPN Gateway", "VPN Gateway", "VpnGw1AZ", "VpnGw1AZ", "1 Hour", 0.361),
    (REGIONS, "VPN Gateway", "VPN Gateway", "VpnGw1AZ", "P2S Connection", "1 Hour", 0.01),
    (REGIONS, "Container Registry", "Container Registry", "Basic", "Basic Registry Unit", "1/Day", 0.1666),
    (REGIONS, "Container Registry", "Container Registry", "Standard", "Standard Registry Unit", "1/Day", 0.6666),
    (REGIONS, "Container Registry", "Container Registry", "Premium", "Premium Registry Unit", "1/Day", 1.6666),
    (REGIONS, "Azure Kubernetes Service", "Azure Kubernetes Service", "Standard", "Standard Uptime SLA",
     "1 Hour", 0.1),
    (REGIONS, "Azure Databricks", "Azure Databricks", "Premium All-purpose Compute",
     "Premium All-purpose Compute DBU", "1 Hour", 0.55),
    (REGIONS, "Azure Databricks", "Azure Databricks", "Premium Jobs Compute", "Premium Jobs Compute DBU",
     "1 Hour", 0.3),
)  # fmt: skip


def prices(request: Request) -> JSONResponse:
    """A page of the prices that a filter leaves."""
    text = request.query_params.get("$filter", "")
    skip = request.query_params.get("$skip", "0")
    wanted = dict(CONDITION.findall(text))
    whole = " and ".join(f"{name} eq '{value}'" for name, value in wanted.items())
    if not skip.isdecimal() or whole != text or not FIELDS.issuperset(wanted):
        error = {"Code": "BadRequest", "Message": "Invalid OData parameters supplied"}
        return JSONResponse({"Error": error}, 400)
    if "priceType" in wanted:
        wanted["type"] = wanted.pop("priceType")
    found = [row for row in _list() if wanted.items() <= row.items()]
    first = int(skip)
    page = found[first : first + PAGE]
    following = request.url.include_query_params(**{"$skip": first + PAGE})
    return JSONResponse(
        {
            "BillingCurrency": "USD",
            "CustomerEntityId": "Default",
            "CustomerEntityType": "Retail",
            "Items": page,
            "NextPageLink": str(following) if first + PAGE < len(found) else None,
            "Count": len(page),
        }
    )


@cache
def _list() -> list[JsonObject]:
    return [*_machines(), *_services()]


def _services() -> Iterator[JsonObject]:
    for regions, service, product, sku, meter, unit, price in LISTED:
        for region in regions:
            yield _row(region, service, product, sku, meter, unit, price)


def _machines() -> Iterator[JsonObject]:
    """Each size for Linux and for Windows, and as a spot machine."""
    for region in REGIONS:
        for size, machine in MACHINES.items():
            series = machine.family.removeprefix("standard").removesuffix("Family")
            product = f"Virtual Machines {series[0]}{series[1:].lower()} Series"
            name = size.removeprefix("Standard_").replace("_", " ")
            price = round(PER_CORE[series] * machine.vcpus, 4)
            for suffix, kind, factor in (("", "", 1), ("", " Spot", 0.2), (" Windows", "", 1.8)):
                yield {
                    **_row(region, "Virtual Machines", product + suffix, name + kind, name + kind,
                           "1 Hour", round(price * factor, 6)),
                    "armSkuName": size,
                }  # fmt: skip


def _row(
    region: str, service: str, product: str, sku: str, meter: str, unit: str, price: float
) -> JsonObject:
    key = "|".join((region, product, sku, meter))
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "location": region,
        "effectiveStartDate": "2026-01-01T00:00:00Z",
        "meterId": str(uuid5(NAMESPACE_URL, key)),
        "meterName": meter,
        "productId": "",
        "skuId": "",
        "productName": product,
        "skuName": sku,
        "serviceName": service,
        "serviceId": "",
        "serviceFamily": "",
        "unitOfMeasure": unit,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "",
    }
