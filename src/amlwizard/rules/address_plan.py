"""An address plan: valid ranges for everything that a recipe needs, clear of existing, peered and
on-premises ranges. Valid ranges stay where they are; the others move to the nearest free place of
their size. The plan is deterministic.

Sizes are powers of two and places are multiples of the size. Placing the largest ranges first
therefore finds a place whenever there is one: it never fragments the space left for smaller ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from amlwizard.errors import InvalidInputError
from amlwizard.language import _, listed, sentences
from amlwizard.recipe import title
from amlwizard.rules.address_space import (
    AKS_RESERVED,
    DEFAULTS,
    DOCKER,
    FORBIDDEN,
    OUTSIDE,
    PRIVATE,
    Gap,
    Range,
    Space,
    free,
    kind,
    outsized,
    path,
    rest,
    touched,
    within,
)
from amlwizard.rules.capacity import SHORTEST, Load

KEPT = (*FORBIDDEN, *AKS_RESERVED, DOCKER)
# The longest prefix that a plan gives these ranges; the rules would allow longer ones.
SPARE = {"workspace": 28, "vpn_clients": 27}
DNS = "dns_service_ip"
CUSTOM = 10  # by Kubernetes convention, the tenth address of the service range

Places = dict[str, IPv4Network]


class NoRoomError(InvalidInputError):
    """There is no plan: the load is too large, or the connected networks leave too little room."""


# -- the entry points of front ends and rules


def suggest(space: Space, load: Load) -> Space:
    """The space with ranges that satisfy every address rule.

    Ranges that the user chose (not the default) have precedence over defaults, except those that
    are larger than necessary. Raises NoRoomError.
    """
    planner = Planner(space, load)
    chosen = [name for name in space.names if space.own.get(name) != DEFAULTS[name]]
    order = sorted(space.names, key=lambda n: (outsized(n, space.own.get(n)), n not in chosen))
    kept = planner.keepable(order)
    typed = [name for name in kept if name in chosen]
    fewer = ({n: kept[n] for n in typed[:most]} for most in range(len(typed), -1, -1))
    for keep in (kept, *fewer):
        found = planner.place(keep, [name for name in space.names if name not in keep])
        if found is not None:
            places = {**keep, **found}
            return space.moved(places, dns_in(places["service_cidr"], space.dns))
    raise planner.no_room()


def moved_together(
    space: Space, load: Load, groups: Iterable[Sequence[str]]
) -> tuple[Space, list[tuple[str, ...]]]:
    """The space with new places for the ranges of all groups, all other ranges unchanged, and the
    groups that were placed.

    A VNET moves its subnets with it if necessary, a service range its DNS address. If not all
    groups can be placed, fall back to a complete plan (`suggest`); if there is none either, place
    groups one after another, as many as fit.
    """
    planner, asked = Planner(space, load), list(dict.fromkeys(map(tuple, groups)))
    found = planner.moved(*asked)
    if found is not None:
        return found, asked
    try:
        return suggest(space, load), asked
    except NoRoomError:
        pass
    done: list[tuple[str, ...]] = []
    for group in asked:
        more = planner.moved(*done, group)
        if more is not None:
            space, done = more, [*done, group]
    return space, done


def changes(before: Space, after: Space) -> dict[str, str]:
    """The values that differ in `after`, by recipe path."""
    found = {
        path(name): str(network)
        for name, network in after.own.items()
        if before.own.get(name) != network
    }
    if after.dns != before.dns:
        found[path("dns_service_ip")] = str(after.dns)
    return found


def dns_in(service: IPv4Network, now: IPv4Address | None) -> IPv4Address:
    """The address for the Kubernetes DNS service: the present one if it is valid in the range."""
    if now is not None and now in service and int(now) - int(service.network_address) >= 2:
        return now
    return service[CUSTOM] if service.num_addresses > CUSTOM else service[-1]


# -- the search


@dataclass(frozen=True)
class Planner:
    """Finds places for ranges in a space, large enough for a load."""

    space: Space
    load: Load

    def keepable(self, order: Sequence[str]) -> Places:
        """The ranges that may stay as they are; of two that conflict, the first in `order`."""
        kept: Places = {}
        for name in order:
            network = self.space.own.get(name)
            if (
                network is not None
                and self._fits(name, network)
                and all(_agree(name, network, n, other) for n, other in kept.items())
            ):
                kept[name] = network
        return kept

    def _fits(self, name: str, network: IPv4Network) -> bool:
        """Whether a range may have that size and place, regardless of our other ranges."""
        if not SHORTEST.get(name, 0) <= network.prefixlen <= self.load.longest(name):
            return False
        if any(self._clash(name, network, neighbour) for neighbour in self.space.neighbours):
            return False
        if any(not _agree(name, network, "", r.network) for r in self.space.reserved):
            return False
        if kind(name) == "subnet":
            return True
        return within(network, PRIVATE) and not touched(network, KEPT)

    def _clash(self, name: str, network: IPv4Network, other: Range) -> bool:
        """Whether a range conflicts with a neighbour. A VNET may lie inside a range announced on
        premises, but the default VNET, which the user did not choose, should not."""
        if other.route or not network.overlaps(other.network):
            return False
        return name in OUTSIDE or network == DEFAULTS["vnet"] or not other.holds(network)

    @cached_property
    def _connected(self) -> list[IPv4Network]:
        return [other.network for other in self.space.neighbours if not other.route]

    @cached_property
    def _reserved(self) -> list[IPv4Network]:
        return [subnet.network for subnet in self.space.reserved]

    @cached_property
    def _open(self) -> dict[IPv4Network, list[Gap]]:
        """Private address space that is not reserved and that no connected network uses."""
        taken = (*KEPT, *self._connected, *self._reserved)
        return {outer: list(free(outer, taken)) for outer in PRIVATE}

    def size(self, name: str) -> int:
        """The prefix length to plan for: the present one if it is valid, or the smallest sufficient
        size if the range is too small. A range outside the VNET is never larger than its default:
        Kubernetes ranges are often chosen far too large and cause conflicts."""
        default, own = DEFAULTS[name].prefixlen, self.space.own.get(name)
        length = own.prefixlen if own and not outsized(name, own) else default
        return min(max(length, SHORTEST.get(name, 0)), self.least(name))

    def least(self, name: str) -> int:
        """The longest prefix length (smallest size) that a plan gives to a range."""
        return min(self.load.longest(name), SPARE.get(name, 32))

    def moved(self, *groups: Sequence[str]) -> Space | None:
        """The space with new places for the ranges of the groups; None if there is no room."""
        names = tuple(dict.fromkeys(name for group in groups for name in group if name != DNS))
        for moving in (
            names,
            *([("vnet", *self.space.subnets, *names)] if "vnet" in names else []),
        ):
            moving = tuple(dict.fromkeys(moving))
            kept = {name: at for name, at in self.space.own.items() if name not in moving}
            found = self.place(kept, moving)
            if found is not None:
                places = {**kept, **found}
                service = places.get("service_cidr")
                dns = any(DNS in group for group in groups) or "service_cidr" in found
                now = self.space.dns
                return self.space.moved(found, dns_in(service, now) if service and dns else now)
        return None

    def place(self, kept: Mapping[str, IPv4Network], names: Sequence[str]) -> Places | None:
        """Places for `names` beside the kept ranges: at the present size or the largest that fits,
        and preferably clear of their old places. None if even the smallest sizes do not fit."""
        sizes = [
            {n: min(self.size(n) + shrunk, self.least(n)) for n in names if n != "vnet"}
            for shrunk in range(33)
        ]
        lengths = list(self._vnet_sizes()) if "vnet" in names else [None]
        tries = [size for n, size in enumerate(sizes) if n == 0 or size != sizes[n - 1]]
        if all(self._place(kept, tries[-1], vnet, {}) is None for vnet in lengths):
            return None
        left = {name: at for name, at in self.space.own.items() if name in names}
        for size in tries:
            for vnet in lengths:
                for avoided in (left, {}):
                    found = self._place(kept, size, vnet, avoided)
                    if found is not None:
                        return found
        return None

    def _vnet_sizes(self) -> Iterator[int]:
        wanted = self.size("vnet")
        yield from range(wanted, self.least("vnet") + 1)
        yield from range(wanted - 1, SHORTEST["vnet"] - 1, -1)

    def _place(
        self,
        kept: Mapping[str, IPv4Network],
        sizes: Mapping[str, int],
        vnet: int | None,
        avoided: Mapping[str, IPv4Network],
    ) -> Places | None:
        places: Places = dict(kept)
        outside = {"vnet": vnet} if vnet is not None else {}
        outside |= {name: size for name, size in sizes.items() if name in OUTSIDE}
        inside = {name: size for name, size in sizes.items() if name not in OUTSIDE}
        # Around subnets that stay, there is only one place for the VNET, so it is placed first.
        held = bool(self._reserved) or any(kind(name) == "subnet" for name in kept)
        for name in sorted(outside, key=lambda n: (not (held and n == "vnet"), outside[n])):
            left = {n: at for n, at in avoided.items() if n != name and kind(n) != "subnet"}
            found = self._outside(name, outside[name], places, left)
            if found is None:
                return None
            places[name] = found
        for name in sorted(inside, key=lambda n: inside[n]):
            left = {n: at for n, at in avoided.items() if n != name and n != "vnet"}
            found = self._inside(name, inside[name], places, left)
            if found is None:
                return None
            places[name] = found
        return {name: network for name, network in places.items() if name not in kept}

    def _outside(
        self,
        name: str,
        length: int,
        places: Mapping[str, IPv4Network],
        avoided: Mapping[str, IPv4Network],
    ) -> IPv4Network | None:
        """An unused private range. For a VNET: one around its subnets if any stay, and as a last
        resort a part of a range announced on premises."""
        held = [network for n, network in places.items() if kind(n) == "subnet"] + self._reserved
        if name == "vnet" and held:
            return self._around(held, length, places)
        now = self.space.own.get(name, DEFAULTS[name]).network_address
        home = [outer for outer in PRIVATE if now in outer]
        taken = [*places.values(), *avoided.values()]
        open_ = [self._open]
        if name == "vnet":
            open_.append(self._announced(length))
        for gaps in open_:
            for outer in (*home, *PRIVATE):
                found = _nearest(rest(gaps[outer], taken), length, int(now))
                if found:
                    return found
        return None

    def _around(
        self, held: Sequence[IPv4Network], length: int, places: Mapping[str, IPv4Network]
    ) -> IPv4Network | None:
        if held[0].prefixlen < length:
            return None
        around = held[0].supernet(new_prefix=length)
        others = [network for n, network in places.items() if n in OUTSIDE]
        holds = all(network.subnet_of(around) for network in held)
        clear = within(around, PRIVATE) and not touched(around, (*KEPT, *others))
        met = (self._clash("vnet", around, other) for other in self.space.neighbours)
        return around if holds and clear and not any(met) else None

    def _announced(self, length: int) -> dict[IPv4Network, list[Gap]]:
        """Private space for a VNET of that size, including parts of larger on-premises ranges."""
        larger = (
            r for r in self.space.neighbours if r.kind == "peered" or r.network.prefixlen >= length
        )
        taken = (*KEPT, *(r.network for r in larger if not r.route))
        return {outer: list(free(outer, taken)) for outer in PRIVATE}

    def _inside(
        self,
        name: str,
        length: int,
        places: Mapping[str, IPv4Network],
        avoided: Mapping[str, IPv4Network],
    ) -> IPv4Network | None:
        """The place at the subnet's old offset within the VNET, or the next free one."""
        vnet = places.get("vnet")
        if vnet is None:
            return None
        now = self.space.own.get(name, DEFAULTS[name]).network_address
        start = int(vnet.network_address) + int(now) % vnet.num_addresses
        others = [network for n, network in places.items() if n != "vnet"]
        others += [other for other in self._connected if not vnet.subnet_of(other)]
        taken = [*others, *self._reserved, *avoided.values()]
        return _nearest(free(vnet, taken), length, start)

    def no_room(self) -> NoRoomError:
        """The error that says why there is no plan: too large a load, or too little free space."""
        subnets = {n: self.least(n) for n in self.space.names if kind(n) == "subnet"}
        needed = sum(2 ** (32 - length) for length in subnets.values())
        if needed > 2 ** (32 - SHORTEST["vnet"]):
            largest = min(subnets, key=lambda name: subnets[name])
            return NoRoomError(
                _(
                    "The subnets need {needed:,} addresses; a VNET with Databricks can have 65,536 "
                    "at most.",
                    needed=needed,
                ),
                why=_(
                    "{field} alone needs a /{length}.",
                    field=title(path(largest)),
                    length=subnets[largest],
                ),
                fix=_(
                    "Use fewer nodes or workers, fewer pods per node, or set {network} to overlay.",
                    network=title("serving.network"),
                ),
            )
        vnet = min(self.least("vnet"), 32 - (needed - 1).bit_length())
        wanted = {n: self.least(n) for n in self.space.names if n in OUTSIDE} | {"vnet": vnet}
        left = [
            network for gaps in self._open.values() for gap in gaps for network in gap.networks()
        ]
        widest = min(left, key=lambda network: network.prefixlen, default=None)
        sizes = [f"{title(path(name))} /{length}" for name, length in wanted.items()]
        least = listed(sizes, len(sizes))
        return NoRoomError(
            _("The connected networks leave no room for a plan."),
            why=_(
                "The largest free private range is {widest}; needed are at least: {sizes}.",
                widest=widest,
                sizes=least,
            )
            if widest
            else _("No private range is free; needed are at least: {sizes}.", sizes=least),
            fix=sentences(
                _(
                    "In {peered} and {on_premises}, give only the prefixes that are in use, not the "
                    "space around them.",
                    peered=title(path("peered")),
                    on_premises=title(path("on_premises")),
                ),
                _("The VNET must contain the reserved subnets.") if self._reserved else "",
            ),
        )


def _agree(one: str, first: IPv4Network, other: str, second: IPv4Network) -> bool:
    """Whether two ranges may coexist; an empty name stands for a subnet of others."""
    if {kind(one), kind(other)} == {"vnet", "subnet"}:
        return second.subnet_of(first) if one == "vnet" else first.subnet_of(second)
    return not first.overlaps(second)


def _nearest(gaps: Iterable[Gap], length: int, start: int) -> IPv4Network | None:
    """The free prefix of that length that contains the address `start`; else the next one after it,
    else the first; None if there is none."""
    step = int(2 ** (32 - length))
    gaps = list(gaps)
    for least in (start // step * step, 0):
        for gap in gaps:
            first = -(-max(gap.first, least) // step) * step
            if first + step - 1 <= gap.last:
                return IPv4Network((first, length))
    return None
