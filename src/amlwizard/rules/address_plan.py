"""A free plan: valid ranges for everything that a recipe needs, around what exists, is peered or on
premises. What is there already stays where it is valid; what is not goes to the nearest free place
of its size. The same recipe always gives the same plan.

Sizes are powers of two, and places are multiples of them. So placing the largest first finds room
wherever there is room: it never takes more from the smaller ones than its due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from amlwizard.errors import InvalidInput
from amlwizard.rules.capacity import SHORTEST, Load
from amlwizard.rules.space import (
    AKS_RESERVED,
    DEFAULTS,
    DOCKER,
    FORBIDDEN,
    OUTSIDE,
    PRIVATE,
    Gap,
    Space,
    free,
    kind,
    path,
    rest,
    touched,
    within,
)

KEPT = (*FORBIDDEN, *AKS_RESERVED, DOCKER)
# A plan does not shrink a range below this, though the rules would let it.
SPARE = {"service_cidr": 24, "vpn_clients": 27}
DNS = 10  # by Kubernetes' custom, the tenth address of the service range

Places = dict[str, IPv4Network]


class NoRoom(InvalidInput):
    """There is no free plan: the load is too large, or the connected networks leave too little."""


# -- what front ends and rules ask for


def suggest(space: Space, load: Load) -> Space:
    """The space with ranges that no address rule finds fault with.

    What somebody chose (it is not the default) goes before what nobody did. Raises NoRoom.
    """
    planner = Planner(space, load)
    chosen = [name for name in space.names if space.own.get(name) != DEFAULTS[name]]
    order = [*chosen, *(name for name in space.names if name not in chosen)]
    kept = planner.keepable(order)
    typed = [name for name in kept if name in chosen]
    fewer = ({n: kept[n] for n in typed[:most]} for most in range(len(typed), -1, -1))
    for keep in (kept, *fewer):
        found = planner.place(keep, [name for name in space.names if name not in keep])
        if found is not None:
            places = {**keep, **found}
            return space.moved(places, dns_in(places["service_cidr"], space.dns))
    raise planner.no_room()


def moves(space: Space, load: Load, *names: str) -> dict[str, str]:
    """New places for ranges, as recipe values by recipe path, beside all others as they are.

    A VNET takes its subnets along where it must, a service range its DNS address. Where there is no
    such place, the changes of a whole plan; empty where there is none of those either.
    """
    planner = Planner(space, load)
    attempts: list[Sequence[str]] = [names]
    if "vnet" in names:
        attempts.append(("vnet", *space.subnets))
    for moving in attempts:
        kept = {name: network for name, network in space.own.items() if name not in moving}
        found = planner.place(kept, moving)
        if found is not None:
            dns = dns_in(found["service_cidr"], space.dns) if "service_cidr" in found else space.dns
            return changes(space, space.moved(found, dns))
    try:
        return changes(space, suggest(space, load))
    except NoRoom:
        return {}


def changes(before: Space, after: Space) -> dict[str, str]:
    """What is otherwise in `after`, as recipe values by recipe path."""
    found = {
        path(name): str(network)
        for name, network in after.own.items()
        if before.own.get(name) != network
    }
    if after.dns != before.dns:
        found[path("dns_service_ip")] = str(after.dns)
    return found


def dns_in(service: IPv4Network, now: IPv4Address | None) -> IPv4Address:
    """The address for the Kubernetes DNS service: the present one, where it may be."""
    if now is not None and now in service and int(now) - int(service.network_address) >= 2:
        return now
    return service[DNS] if service.num_addresses > DNS else service[-1]


# -- how it is found


@dataclass(frozen=True)
class Planner:
    """Finds places in a space for a load."""

    space: Space
    load: Load

    def keepable(self, order: Sequence[str]) -> Places:
        """What may stay as it is; of two that are in each other's way, the one named first."""
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
        """Whether a range may have that size and place, whatever the others are."""
        if not SHORTEST.get(name, 0) <= network.prefixlen <= self.load.longest(name):
            return False
        if touched(network, self._connected):
            return False
        if kind(name) == "subnet":
            return True
        return within(network, PRIVATE) and not touched(network, KEPT)

    @cached_property
    def _connected(self) -> list[IPv4Network]:
        return [neighbour.network for neighbour in self.space.neighbours]

    @cached_property
    def _open(self) -> dict[IPv4Network, list[Gap]]:
        """Private address space that nobody keeps and nothing connected uses."""
        return {outer: list(free(outer, (*KEPT, *self._connected))) for outer in PRIVATE}

    def size(self, name: str) -> int:
        """The prefix length that a range has, where it may have it; else that of a new recipe."""
        for network in (self.space.own.get(name), DEFAULTS[name]):
            if network and SHORTEST.get(name, 0) <= network.prefixlen <= self.least(name):
                return network.prefixlen
        return self.least(name)

    def least(self, name: str) -> int:
        """The longest prefix length that a plan gives to a range."""
        return min(self.load.longest(name), SPARE.get(name, 32))

    def place(self, kept: Mapping[str, IPv4Network], names: Sequence[str]) -> Places | None:
        """Places for `names` beside what is kept: as large as they are or as there is room for.
        None where there is no room even for the least."""
        sizes = [
            {n: min(self.size(n) + shrunk, self.least(n)) for n in names if n != "vnet"}
            for shrunk in range(33)
        ]
        lengths = list(self._vnet_sizes()) if "vnet" in names else [None]
        tries = [size for n, size in enumerate(sizes) if n == 0 or size != sizes[n - 1]]
        if all(self._place(kept, tries[-1], vnet) is None for vnet in lengths):
            return None
        for size in tries:
            for vnet in lengths:
                found = self._place(kept, size, vnet)
                if found is not None:
                    return found
        return None

    def _vnet_sizes(self) -> Iterator[int]:
        wanted = self.size("vnet")
        yield from range(wanted, self.least("vnet") + 1)
        yield from range(wanted - 1, SHORTEST["vnet"] - 1, -1)

    def _place(
        self, kept: Mapping[str, IPv4Network], sizes: Mapping[str, int], vnet: int | None
    ) -> Places | None:
        places: Places = dict(kept)
        outside = {"vnet": vnet} if vnet is not None else {}
        outside |= {name: size for name, size in sizes.items() if name in OUTSIDE}
        inside = {name: size for name, size in sizes.items() if name not in OUTSIDE}
        # Around subnets that stay, a VNET can be in one place only: it goes first.
        held = any(kind(name) == "subnet" for name in kept)
        for name in sorted(outside, key=lambda n: (not (held and n == "vnet"), outside[n])):
            found = self._outside(name, outside[name], places)
            if found is None:
                return None
            places[name] = found
        for name in sorted(inside, key=lambda n: inside[n]):
            found = self._inside(name, inside[name], places)
            if found is None:
                return None
            places[name] = found
        return {name: network for name, network in places.items() if name not in kept}

    def _outside(
        self, name: str, length: int, places: Mapping[str, IPv4Network]
    ) -> IPv4Network | None:
        """A private range that nothing else uses; for a VNET, one around its subnets."""
        held = [network for n, network in places.items() if kind(n) == "subnet"]
        if name == "vnet" and held:
            if held[0].prefixlen < length:
                return None
            around = held[0].supernet(new_prefix=length)
            others = [network for n, network in places.items() if n in OUTSIDE]
            holds = all(network.subnet_of(around) for network in held)
            clear = within(around, PRIVATE) and not touched(
                around, (*KEPT, *self._connected, *others)
            )
            return around if holds and clear else None
        now = self.space.own.get(name, DEFAULTS[name]).network_address
        home = [outer for outer in PRIVATE if now in outer]
        for outer in (*home, *PRIVATE):
            found = _nearest(rest(self._open[outer], places.values()), length, int(now))
            if found:
                return found
        return None

    def _inside(
        self, name: str, length: int, places: Mapping[str, IPv4Network]
    ) -> IPv4Network | None:
        """The place in the VNET that corresponds to where the subnet was, or the next free one."""
        vnet = places.get("vnet")
        if vnet is None:
            return None
        now = self.space.own.get(name, DEFAULTS[name]).network_address
        start = int(vnet.network_address) + int(now) % vnet.num_addresses
        others = [network for n, network in places.items() if n != "vnet"]
        return _nearest(free(vnet, [*others, *self._connected]), length, start)

    def no_room(self) -> NoRoom:
        """Why there is no plan: more load than a VNET holds, or neighbours that leave too little."""
        subnets = {n: self.least(n) for n in self.space.names if kind(n) == "subnet"}
        needed = sum(2 ** (32 - length) for length in subnets.values())
        if needed > 2 ** (32 - SHORTEST["vnet"]):
            largest = min(subnets, key=lambda name: subnets[name])
            return NoRoom(
                f"The subnets need {needed:,} addresses; a VNET with Databricks has at most 65,536.",
                why=f"{path(largest)} alone needs a /{subnets[largest]}.",
                fix="Use fewer nodes or workers, fewer pods per node, or serving.network: overlay.",
            )
        vnet = min(self.least("vnet"), 32 - (needed - 1).bit_length())
        wanted = {n: self.least(n) for n in self.space.names if n in OUTSIDE} | {"vnet": vnet}
        left = [
            network for gaps in self._open.values() for gap in gaps for network in gap.networks()
        ]
        widest = min(left, key=lambda network: network.prefixlen, default=None)
        said = f"{widest} is the largest private range that is free" if widest else "None is free"
        sizes = ", ".join(f"{path(name)} a /{length}" for name, length in wanted.items())
        return NoRoom(
            "The connected networks leave no room for a plan.",
            why=f"{said}; the least that is needed is {sizes}.",
            fix="Shorten addresses.peered or addresses.on_premises: give the prefixes that are in "
            "use, not the space around them.",
        )


def _agree(one: str, first: IPv4Network, other: str, second: IPv4Network) -> bool:
    """Whether two ranges may stand together."""
    if {kind(one), kind(other)} == {"vnet", "subnet"}:
        return second.subnet_of(first) if one == "vnet" else first.subnet_of(second)
    return not first.overlaps(second)


def _nearest(gaps: Iterable[Gap], length: int, start: int) -> IPv4Network | None:
    """The free prefix of that length that holds the address `start`; else the next one, else the
    first."""
    step = int(2 ** (32 - length))
    gaps = list(gaps)
    for least in (start // step * step, 0):
        for gap in gaps:
            first = -(-max(gap.first, least) // step) * step
            if first + step - 1 <= gap.last:
                return IPv4Network((first, length))
    return None
