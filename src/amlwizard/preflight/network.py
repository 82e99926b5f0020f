"""Address ranges that others have, and subnets that others use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import Any

from amlwizard.cloud.facts import Json
from amlwizard.errors import Finding
from amlwizard.preflight.situation import Situation
from amlwizard.rules.address_plan import moves
from amlwizard.rules.base import use
from amlwizard.rules.capacity import load_of
from amlwizard.rules.overlaps import overlapping
from amlwizard.rules.renaming import another
from amlwizard.rules.space import SUBNETS, Range, path, space_of

DATABRICKS = "Microsoft.Databricks/workspaces"
# Subnets that nobody can share with a Databricks workspace.
ALONE = ("scoring", "databricks_public", "databricks_private")
SHOWN = 3


@dataclass(frozen=True)
class Used:
    """A prefix in use, and by whom. `reached`: our VNET is peered with it already."""

    prefix: str
    whose: str
    reached: bool = False


def in_use(s: Situation) -> list[Used]:
    """Prefixes of every VNET of the subscription, and of what these are peered with."""
    ranges: dict[tuple[str, str], Used] = {}
    ours = s.ids["vnet"].lower()
    for vnet in s.facts.vnets:
        p, mine = vnet.get("properties") or {}, str(vnet["id"]).lower() == ours
        if not mine:
            for prefix in _prefixes(p.get("addressSpace")):
                ranges.setdefault((prefix, str(vnet["name"])), Used(prefix, str(vnet["name"])))
        for peering in p.get("virtualNetworkPeerings") or ():
            q = peering.get("properties") or {}
            remote = (q.get("remoteVirtualNetwork") or {}).get("id") or peering.get("name") or ""
            if remote.lower() == ours:
                continue
            name = remote.rsplit("/", 1)[-1]
            space = q.get("remoteVirtualNetworkAddressSpace") or q.get("remoteAddressSpace")
            for prefix in _prefixes(space):
                if mine or (prefix, name) not in ranges:
                    ranges[prefix, name] = Used(prefix, name, reached=mine)
    return list(ranges.values())


def _prefixes(space: Json | None) -> list[str]:
    """The IPv4 ones: an IPv6 range meets none of ours."""
    return [p for p in (space or {}).get("addressPrefixes") or () if ":" not in p]


def overlaps(s: Situation) -> Iterator[Finding]:
    """Ranges of ours that others have: an error where they are connected, else a warning, because
    they never can be. Kubernetes' own ranges matter only to what is connected."""
    a = s.recipe.addresses
    ours = {"addresses.vnet": str(a.vnet), "addresses.service_cidr": str(a.service_cidr)}
    if s.recipe.serving.network == "overlay":
        ours["addresses.pod_cidr"] = str(a.pod_cidr)
    if s.recipe.security.secure_entry == "vpn-gateway":
        ours["addresses.vpn_clients"] = str(a.vpn_clients)
    theirs = in_use(s)
    met: dict[str, list[Used]] = {field: [] for field in ours}
    for own, other in overlapping(list(ours.values()), [r.prefix for r in theirs]):
        met[list(ours)[own]].append(theirs[other])
    for field, ranges in met.items():
        reached = [r for r in ranges if r.reached]
        if reached:
            yield _overlap(s, field, ours[field], reached, theirs, "error")
        elif ranges and field == "addresses.vnet":
            yield _overlap(s, field, ours[field], ranges, theirs, "warning")


def _overlap(
    s: Situation, field: str, prefix: str, met: list[Used], theirs: list[Used], severity: Any
) -> Finding:
    names = ", ".join(f"{r.whose} ({r.prefix})" for r in met[:SHOWN])
    more = f" and {len(met) - SHOWN} more" if len(met) > SHOWN else ""
    cure = _moved(s, (r.prefix for r in theirs), field.partition(".")[2])
    connected = severity == "error"
    return Finding(
        "vnet-overlap",
        severity,
        (field,),
        f"{prefix} ({field}) overlaps {names}{more}.",
        why="The VNET is peered with it: what has the same address twice cannot be reached."
        if connected
        else "Networks that overlap can never be peered, nor reach the same place on premises.",
        fix=use(cure) if cure else "Choose a range that no connected network uses.",
        cure=cure,
        command=s.replaying(cure or {field: "PREFIX"}),
    )


def _moved(s: Situation, taken: Iterable[str], *names: str) -> dict[str, str]:
    """New places for ranges of ours, clear of what others have; empty where there is none."""
    recipe = s.recipe
    space = space_of(recipe.addresses, recipe.security, recipe.serving)
    others = (
        Range(path(f"peered.{n}"), IPv4Network(prefix, strict=False), "peered")
        for n, prefix in enumerate(taken)
    )
    space = replace(space, neighbours=(*space.neighbours, *others))
    return moves(space, load_of(recipe.security, recipe.serving, recipe.training), *names)


def subnets(s: Situation) -> Iterator[Finding]:
    """Subnets of our VNET that somebody else uses, or that are in the way."""
    ours = s.ids["vnet"].lower()
    vnet = next((v for v in s.facts.vnets if str(v["id"]).lower() == ours), None)
    held = [_Held.of(subnet) for subnet in (vnet or {}).get("properties", {}).get("subnets") or ()]
    names = {getattr(s.recipe.names, f"{which}_subnet").lower(): which for which in SUBNETS}
    for subnet in held:
        which = names.get(subnet.name.lower())
        if which is None:
            for other in SUBNETS:
                if getattr(s.recipe.addresses, other).overlaps(subnet.range):
                    yield _in_the_way(s, other, subnet, held)
        elif getattr(s.recipe.addresses, which) != subnet.range and subnet.users:
            yield _cannot_move(s, which, subnet)
        elif which in ALONE and (others := _strangers(s, subnet)):
            yield _taken(s, which, subnet, others[0], held)


@dataclass(frozen=True)
class _Held:
    """A subnet that is there. `users` are ids of what has addresses in it, `holders` of the
    workspaces that have it for themselves."""

    name: str
    range: IPv4Network
    users: tuple[str, ...]
    holders: tuple[str, ...]

    @classmethod
    def of(cls, subnet: Json) -> _Held:
        p = subnet.get("properties") or {}
        links = [link.get("properties") or {} for link in p.get("serviceAssociationLinks") or ()]
        holders = tuple(
            str(q.get("link") or DATABRICKS)
            for q in links
            if q.get("linkedResourceType") == DATABRICKS
        )
        items = [*(p.get("ipConfigurations") or ()), *(p.get("privateEndpoints") or ())]
        users = (*(str(item["id"]) for item in items), *holders)
        prefix = p.get("addressPrefix") or p["addressPrefixes"][0]
        return cls(str(subnet["name"]), IPv4Network(prefix), users, holders)


def _strangers(s: Situation, subnet: _Held) -> list[str]:
    """Workspaces that hold a subnet and are not of this recipe."""
    own = s.ids["databricks"].lower()
    there = not s.is_new("databricks")
    return [h for h in subnet.holders if h.lower() != own and not (there and h == DATABRICKS)]


def _in_the_way(s: Situation, which: str, subnet: _Held, held: Sequence[_Held]) -> Finding:
    cure = _moved(s, (str(h.range) for h in held if not s.has(h.name)), which)
    return Finding(
        "subnet-in-use",
        "error",
        (f"addresses.{which}",),
        f"{getattr(s.recipe.addresses, which)} (addresses.{which}) overlaps the subnet "
        f"{subnet.name} ({subnet.range}) of the VNET.",
        why="Subnets of a VNET do not overlap.",
        fix="Use another range, or delete that subnet.",
        cure=cure,
        command=s.replaying(cure or {f"addresses.{which}": "PREFIX"}),
    )


def _cannot_move(s: Situation, which: str, subnet: _Held) -> Finding:
    cure = {f"addresses.{which}": str(subnet.range)}
    return Finding(
        "subnet-in-use",
        "error",
        (f"addresses.{which}", f"names.{which}_subnet"),
        f"{subnet.name} is {subnet.range} and in use: it cannot become "
        f"{getattr(s.recipe.addresses, which)}.",
        why=f"It is used by {subnet.users[0]}.",
        fix="Leave it as it is, or delete what is in it.",
        cure=cure,
        command=s.replaying(cure),
    )


def _taken(s: Situation, which: str, subnet: _Held, by: str, held: Sequence[_Held]) -> Finding:
    other = _moved(s, (str(h.range) for h in held if not s.has(h.name) or h == subnet), which)
    cure = {**another(s.recipe.names, f"{which}_subnet"), **other} if other else {}
    return Finding(
        "subnet-in-use",
        "error",
        (f"names.{which}_subnet", f"addresses.{which}"),
        f"{subnet.name} is used by somebody else.",
        why=f"{by} has it for itself.",
        fix="Use another subnet, with a range of its own.",
        cure=cure,
        command=s.replaying(cure or {f"names.{which}_subnet": "NAME"}),
    )
