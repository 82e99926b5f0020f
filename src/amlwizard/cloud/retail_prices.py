"""Azure's list prices, by the Azure Retail Prices API: public, and without a sign-in. Its page says what
its fields mean (learn.microsoft.com/rest/api/cost-management/retail-prices)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.wire import client
from amlwizard.costs import DAY, MONTH, Meter
from amlwizard.errors import CloudError
from amlwizard.json_types import ODD, Document, parsed
from amlwizard.language import _

if TYPE_CHECKING:
    import httpx

VERSION = "2023-01-01-preview"
TIMEOUT_SECONDS = 10
MOST_PAGES = 10  # of a hundred prices each
HOURS = {"1 Hour": 1, "1/Hour": 1, "1/Day": DAY, "1/Month": MONTH, "1": MONTH}
"""By units of measure. ``1`` is what a private DNS zone is listed by, which is charged by the month."""
CHEAPER = ("Spot", "Low Priority")


def prices(profile: CloudProfile, meters: Sequence[Meter], currency: str) -> Mapping[Meter, float]:
    """The price of an hour of each meter that the list has. Raises CloudError if it cannot be read."""
    import httpx

    try:
        with client(profile, TIMEOUT_SECONDS) as asking:
            found = {m: _hourly(m, rows(asking, profile, m, currency), currency) for m in meters}
    except (httpx.HTTPError, *ODD) as error:
        raise CloudError(
            _(
                "The price list at {host} could not be read.",
                host=urlsplit(profile.prices).hostname,
            ),
            code=type(error).__name__,
            why=f"{type(error).__name__}: {error}",
        ) from None
    return {meter: price for meter, price in found.items() if price is not None}


def rows(
    asking: httpx.Client, profile: CloudProfile, meter: Meter, currency: str
) -> Iterator[Document]:
    """The prices that are listed for a meter, on all pages."""
    url = f"{profile.prices}/api/retail/prices"
    query = {"api-version": VERSION, "currencyCode": f"'{currency}'", "$filter": filter_of(meter)}
    answer = asking.get(url, params=query)
    for __ in range(MOST_PAGES):
        answer.raise_for_status()
        page = parsed(answer.content)
        yield from page["Items"]
        following = page.get("NextPageLink")
        if not following:
            return
        # Its address has a port, and is believed for its query only.
        answer = asking.get(urljoin(url, f"?{urlsplit(str(following)).query}"))


def filter_of(meter: Meter) -> str:
    """The OData filter for a meter; the API compares letter by letter."""
    wanted = {
        "serviceName": meter.service,
        "armRegionName": meter.region,
        "meterName": meter.name,
        "skuName": meter.sku,
        "productName": meter.product,
        "armSkuName": meter.size,
        "priceType": "Consumption",
    }
    return " and ".join(f"{name} eq '{text}'" for name, text in wanted.items() if text)


def _hourly(meter: Meter, found: Iterator[Document], currency: str) -> float | None:
    """The price of an hour; None if there is none in this currency. Of several prices for the same, the
    one of the primary meter counts, and the newest."""
    fitting = [row for row in found if _fits(meter, row) and row["currencyCode"] == currency]
    best = max(
        fitting,
        key=lambda row: (bool(row.get("isPrimaryMeterRegion")), str(row["effectiveStartDate"])),
        default=None,
    )
    return float(best["retailPrice"]) / HOURS[best["unitOfMeasure"]] if best else None


def _fits(meter: Meter, row: Document) -> bool:
    """Whether a price is for Linux, at any time, from the first unit on, and in the meter's region."""
    return (
        row["type"] == "Consumption"
        and row["unitOfMeasure"] in HOURS
        and not row["tierMinimumUnits"]
        and (row.get("armRegionName") or "") == meter.region
        and not str(row["productName"]).endswith("Windows")
        and not str(row["skuName"]).endswith(CHEAPER)
    )
