"""What a platform costs by Azure's list prices: what of it is metered, what that costs, and how it is
told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

DAY, MONTH = 24, 730  # hours; the month is the one that Azure's own calculator has
MOST_PARTS = 3
UNCOUNTED = "Not counted: traffic, logs, stored data and disks, and discounts."


@dataclass(frozen=True)
class Meter:
    """What a price of the Azure Retail Prices API is for. A text that is empty may be any; `region` is
    ``Global`` for what costs the same everywhere, and empty for what the API lists without a region."""

    service: str
    region: str
    name: str = ""
    sku: str = ""
    product: str = ""
    size: str = ""


@dataclass(frozen=True)
class Price:
    """The list price of an hour. `on` is the ISO date on which it was read."""

    hourly: float
    currency: str
    on: str


@dataclass(frozen=True)
class Charge:
    """`count` of something that is metered, and as many as `most` with an autoscaler. `training`: only
    while the training cluster runs."""

    title: str
    meter: Meter
    count: int = 1
    most: int = 0
    training: bool = False


@dataclass(frozen=True)
class Costs:
    """`prices` are those that are known; `problem` says why others are not. `billed` is false where
    nothing that is built is charged for."""

    needs: tuple[Charge, ...]
    prices: Mapping[Meter, Price] = field(default_factory=dict)
    problem: str = ""
    billed: bool = True

    @property
    def summary(self) -> str:
        """What it costs, in a sentence."""
        if not self._lasting:
            return f"Prices are not known: {self.problem or 'none of them is in the price list.'}"
        day, month = (self._told(self._sum(hours)) for hours in (DAY, MONTH))
        about = "At least" if self.unknown else "About"
        if self.billed:
            return f"{about} {day} a day, {month} a month, by Azure's list prices of {self._on}."
        about = about.lower()
        return f"Free here. On Azure: {about} {day} a day, {month} a month, by list prices of {self._on}."

    @property
    def unknown(self) -> tuple[Charge, ...]:
        """What is metered and has no known price."""
        return tuple(need for need in self.needs if need.meter not in self.prices)

    @property
    def most_of_it(self) -> str:
        """The parts that cost most, in a sentence."""
        parts = sorted(self._lasting, key=lambda need: -self._of(need) * need.count)[:MOST_PARTS]
        told = (f"{_counted(n)} ({self._told(self._of(n) * DAY * n.count)} a day)" for n in parts)
        return f"Most of it: {', '.join(told)}." if parts else ""

    def lines(self) -> Iterator[tuple[str, str]]:
        """What each part costs: its name, and an amount."""
        for need in self._lasting:
            yield _counted(need), f"{self._told(self._of(need) * DAY * need.count)} a day"
        for need in self._lasting:
            if need.most > need.count:
                most = self._told(self._of(need) * DAY * need.most)
                yield f"{need.title}, at most {need.most}", f"{most} a day"
        for need in self.needs:
            if need.training and need.meter in self.prices:
                hour = self._told(self._of(need) * need.count)
                yield f"{_counted(need)}, while training", f"{hour} an hour"
        for need in self.unknown:
            yield _counted(need), "price not known"

    @property
    def _lasting(self) -> list[Charge]:
        return [need for need in self.needs if need.meter in self.prices and not need.training]

    def _of(self, need: Charge) -> float:
        return self.prices[need.meter].hourly

    def _sum(self, hours: int) -> float:
        return sum(self._of(need) * need.count * hours for need in self._lasting)

    def _told(self, amount: float) -> str:
        return f"{rounded(amount)} {next(iter(self.prices.values())).currency}"

    @property
    def _on(self) -> str:
        return min(price.on for price in self.prices.values())


def rounded(amount: float) -> str:
    """An amount with two figures, as more would promise too much: ``1,200``, ``38``, ``0.27``."""
    if amount == 0:
        return "0"
    shown = float(f"{amount:.2g}")
    return f"{shown:,.0f}" if shown >= 10 else f"{shown:.1f}" if shown >= 1 else f"{shown:.2g}"


def _counted(need: Charge) -> str:
    return f"{need.count} x {need.title}" if need.count > 1 else need.title
