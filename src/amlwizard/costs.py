"""What a platform costs by Azure's list prices: its metered parts, their prices, and the sentences
that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from amlwizard.language import _

DAY, MONTH = 24, 730  # hours; the month is the one that Azure's own calculator has
MOST_PARTS = 3
UNCOUNTED = _("Not counted: traffic, logs, stored data and disks, and discounts.")


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
            if not self.problem:
                return _("Prices are not known: none of them is in the price list.")
            return _("Prices are not known: {problem}", problem=self.problem)
        day, month = (self._told(self._sum(hours)) for hours in (DAY, MONTH))
        text = self._at_least if self.unknown else self._about
        return text.format(day=day, month=month, date=self._on)

    @property
    def _about(self) -> str:
        if self.billed:
            return _("About {day} a day, {month} a month, by Azure's list prices of {date}.")
        return _(
            "Free here. On Azure: about {day} a day, {month} a month, by list prices of {date}."
        )

    @property
    def _at_least(self) -> str:
        if self.billed:
            return _("At least {day} a day, {month} a month, by Azure's list prices of {date}.")
        return _(
            "Free here. On Azure: at least {day} a day, {month} a month, by list prices of {date}."
        )

    @property
    def unknown(self) -> tuple[Charge, ...]:
        """What is metered and has no known price."""
        return tuple(need for need in self.needs if need.meter not in self.prices)

    @property
    def most_of_it(self) -> str:
        """The parts that cost most, in a sentence."""
        parts = sorted(self._lasting, key=lambda need: -self._of(need) * need.count)[:MOST_PARTS]
        told = [
            _("{part} ({amount} a day)", part=_counted(n), amount=self._daily(n, n.count))
            for n in parts
        ]
        return _("Most of it: {parts}.", parts=_(", ").join(told)) if parts else ""

    def lines(self) -> Iterator[tuple[str, str]]:
        """What each part costs: its name, and an amount."""
        for need in self._lasting:
            yield _counted(need), _("{amount} a day", amount=self._daily(need, need.count))
        for need in self._lasting:
            if need.most > need.count:
                part = _("{part}, at most {n}", part=need.title, n=need.most)
                yield part, _("{amount} a day", amount=self._daily(need, need.most))
        for need in self.needs:
            if need.training and need.meter in self.prices:
                hour = self._told(self._of(need) * need.count)
                part = _("{part}, while training", part=_counted(need))
                yield part, _("{amount} an hour", amount=hour)
        for need in self.unknown:
            yield _counted(need), _("price not known")

    @property
    def _lasting(self) -> list[Charge]:
        return [need for need in self.needs if need.meter in self.prices and not need.training]

    def _of(self, need: Charge) -> float:
        return self.prices[need.meter].hourly

    def _daily(self, need: Charge, count: int) -> str:
        return self._told(self._of(need) * DAY * count)

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
    if need.count <= 1:
        return need.title
    return _("{n} x {part}", n=need.count, part=need.title)
