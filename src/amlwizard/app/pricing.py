"""What a recipe costs: Azure's list prices, kept for a day in the state folder."""

from __future__ import annotations

import json
import locale
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from amlwizard.cloud import CloudProfile
from amlwizard.cloud.retail_prices import prices
from amlwizard.costs import Charge, Costs, Meter, Price
from amlwizard.errors import CloudError
from amlwizard.json_types import ODD, parsed
from amlwizard.paths import private_folder, state_folder, write

FRESH = timedelta(days=1)
LISTED = "USD"
CURRENCIES = (
    "USD", "AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "INR", "JPY", "KRW", "NOK", "NZD", "RUB",
    "SEK", "TWD",
)  # fmt: skip
"""Those that the list has; Microsoft makes it in US dollars."""


def costs(profile: CloudProfile, needs: tuple[Charge, ...]) -> Costs:
    """What these needs cost: in the locale's currency, or in US dollars where the list has more in
    them. Prices that cannot be read are those that were kept, or unknown."""
    here = _currency()
    found = _costs(profile, needs, here)
    if here == LISTED or found.problem or not found.unknown:
        return found
    listed = _costs(profile, needs, LISTED)
    return listed if len(listed.unknown) < len(found.unknown) else found


def _costs(profile: CloudProfile, needs: tuple[Charge, ...], currency: str) -> Costs:
    kept = _Kept(state_folder() / f"prices-{profile.name}-{currency}.json", currency)
    meters = list(dict.fromkeys(need.meter for need in needs))
    problem = ""
    try:
        if missing := kept.missing(meters):
            kept.add(missing, prices(profile, missing, kept.currency))
    except CloudError as error:
        problem = error.what
    return Costs(needs, kept.prices(meters), problem, profile.billed)


def _currency() -> str:
    """The currency of the locale if the list has it, otherwise US dollars."""
    try:
        locale.setlocale(locale.LC_MONETARY, "")
    except locale.Error:
        return LISTED
    here = str(locale.localeconv()["int_curr_symbol"]).strip()
    return here if here in CURRENCIES else LISTED


class _Kept:
    """The prices in a file, in one currency; a price of None is one that the list has not."""

    def __init__(self, path: Path, currency: str) -> None:
        self.path, self.currency = path, currency
        self.today = datetime.now(UTC).date()
        self._prices = _read(path, currency)

    def missing(self, meters: Sequence[Meter]) -> list[Meter]:
        """The meters whose prices were not read within a day."""
        known = {m for m, (_, on) in self._prices.items() if self.today - on < FRESH}
        return [meter for meter in meters if meter not in known]

    def add(self, meters: Sequence[Meter], found: Mapping[Meter, float]) -> None:
        self._prices |= {meter: (found.get(meter), self.today) for meter in meters}
        body = [
            {"meter": asdict(meter), "hourly": hourly, "currency": self.currency, "on": str(on)}
            for meter, (hourly, on) in self._prices.items()
        ]
        try:
            private_folder(self.path.parent)
            write(self.path, json.dumps(body, indent=1))
        except OSError:
            pass  # they are read again the next time

    def prices(self, meters: Sequence[Meter]) -> dict[Meter, Price]:
        """The prices that are known, however old."""
        return {
            meter: Price(hourly, self.currency, str(on))
            for meter, (hourly, on) in self._prices.items()
            if meter in meters and hourly is not None
        }


def _read(path: Path, currency: str) -> dict[Meter, tuple[float | None, date]]:
    """What a file has in a currency; nothing if it is missing or damaged."""
    try:
        return {
            Meter(**one["meter"]): (one["hourly"], date.fromisoformat(one["on"]))
            for one in parsed(path.read_text(encoding="utf-8"))
            if one["currency"] == currency
        }
    except (OSError, *ODD):
        return {}
