"""Address ranges and subnets that are in use by others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from amlwizard.design.subnets import SUBNETS
from amlwizard.errors import Finding, Severity
from amlwizard.json_types import Document
from amlwizard.language import _, listed
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import sections_of, title
from amlwizard.rules.address_space import Range, path, space_of
from amlwizard.rules.base import use
from amlwizard.rules.capacity import load_of
from amlwizard.rules.overlaps import overlapping
from amlwizard.rules.renaming import another
from amlwizard.rules.rule_context import Ranges

DATABRICKS = "Microsoft.Databricks/workspaces"
# Subnets that cannot be shared with a Databricks workspace of others.
ALONE = ("scoring", "databricks_public", "databricks_private")
SHOWN = 3


@dataclass(frozen=True)
class Used:
    """A prefix in use. `whose` is the name of the VNET that has it; `reached` says whether our VNET
    is peered with that already."""

    prefix: str
    whose: str
    reached: bool = False


def in_use(s: Situation) -> list[Used]:
    """The prefixes of every other VNET in the subscription, and of all peered VNETs."""
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


def _prefixes(space: Document | None) -> list[str]:
    """The IPv4 prefixes only: an IPv6 range cannot overlap any of ours."""
    return [p for p in (space or {}).get("addressPrefixes") or () if ":" not in p]


def overlaps(s: Situation) -> Iterator[Finding]:
    """Our ranges that overlap those of others: an error if the networks are connected, else a
    warning for the VNET, because they can never be peered. Kubernetes' ranges matter only between
    connected networks."""
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
    told: dict[str, tuple[list[Used], Severity]] = {}
    for field, ranges in met.items():
        reached = [r for r in ranges if r.reached]
        if reached:
            told[field] = (reached, "error")
        elif ranges and field == path("vnet"):
            told[field] = (ranges, "warning")
    plan = _plan(s, [[_name(field)] for field in told], (r.prefix for r in theirs))
    for field, (ranges, severity) in told.items():
        yield _overlap(s, field, ours[field], ranges, plan.cure(_name(field)), severity)


def _name(field: str) -> str:
    return field.partition(".")[2]


def _overlap(
    s: Situation,
    field: str,
    prefix: str,
    met: list[Used],
    cure: Mapping[str, str],
    severity: Severity,
) -> Finding:
    others = listed([f"{r.whose} ({r.prefix})" for r in met], SHOWN)
    connected = severity == "error"
    otherwise = _("Choose a range that no connected network uses.")
    return Finding(
        "vnet-overlap",
        severity,
        (field,),
        _(
            "{prefix} ({field}) overlaps {others}.",
            prefix=prefix,
            field=title(field),
            others=others,
        ),
        why=_("The VNET is peered with it, and addresses that exist twice cannot be reached.")
        if connected
        else _(
            "Networks that overlap cannot be peered, nor connect to the same on-premises network."
        ),
        fix=use(cure) or otherwise,
        cure=cure,
        otherwise=otherwise,
        command=s.replaying(cure or {field: "PREFIX"}),
    )


def _plan(
    s: Situation,
    groups: Sequence[Sequence[str]],
    connected: Iterable[str],
    held: Sequence[_ExistingSubnet] = (),
) -> Ranges:
    """A plan with new places for the `groups` of our ranges, clear of those that others use."""
    recipe = s.recipe
    space = space_of(sections_of(recipe))
    others = (
        Range(path(f"peered.{n}"), IPv4Network(prefix, strict=False), "peered")
        for n, prefix in enumerate(connected)
    )
    strangers = (Range(path("reserved"), h.range, "reserved", h.name) for h in held)
    space = replace(
        space,
        neighbours=(*space.neighbours, *others),
        reserved=(*space.reserved, *strangers),
    )
    load = load_of(recipe.security, recipe.serving, recipe.training)
    return Ranges(space, load).planned(groups)


def subnets(s: Situation) -> Iterator[Finding]:
    """Existing subnets of our VNET that are used by others or conflict with the recipe's ranges."""
    held = _existing_subnets(s)
    names = {getattr(s.recipe.names, f"{which}_subnet").lower(): which for which in SUBNETS}
    # our field, the existing subnet, the workspace that holds it
    met: list[tuple[str, _ExistingSubnet, str]] = []
    for subnet in held:
        which = names.get(subnet.name.lower())
        if which is None:
            over = (o for o in SUBNETS if getattr(s.recipe.addresses, o).overlaps(subnet.range))
            met += [(other, subnet, "") for other in over]
        elif getattr(s.recipe.addresses, which) != subnet.range and subnet.users:
            yield _cannot_move(s, which, subnet)
        elif which in ALONE and (others := _other_workspaces(s, subnet)):
            met.append((which, subnet, others[0]))
    lost = [subnet for _, subnet, _ in met]
    taken = [h for h in held if not s.has(h.name) or h in lost]
    plan = _plan(s, [[which] for which, _, _ in met], (), taken)
    for which, subnet, by in met:
        cure = plan.cure(which)
        yield _taken(s, which, subnet, by, cure) if by else _in_the_way(s, which, subnet, cure)


def reserved(s: Situation) -> Iterator[Finding]:
    """Reserved subnets that the VNET does not have, or has with another range."""
    there = {subnet.name.lower(): subnet for subnet in _existing_subnets(s)}
    right = [
        {
            "name": r.name,
            "range": str(there[r.name.lower()].range if r.name.lower() in there else r.range),
        }
        for r in s.recipe.addresses.reserved
    ]
    for number, subnet in enumerate(s.recipe.addresses.reserved):
        found, place = there.get(subnet.name.lower()), path(f"reserved.{number}")
        if found is None:
            yield Finding(
                "reserved-subnet",
                "warning",
                (place, path("reserved")),
                _(
                    "The VNET {vnet} has no subnet called {name}.",
                    vnet=s.recipe.names.vnet,
                    name=subnet.name,
                ),
                why=_("Its range stays free, but amlwizard does not create reserved subnets."),
                fix=_(
                    "Remove it from the reserved subnets, or correct the names of VNET and subnet."
                ),
            )
        elif found.range != subnet.range:
            yield Finding(
                "reserved-subnet",
                "warning",
                (place, path("reserved")),
                _(
                    "The subnet {name} has the range {range}, not {given}.",
                    name=subnet.name,
                    range=found.range,
                    given=subnet.range,
                ),
                why=_(
                    "The ranges of the recipe avoid the range that is given here, not the real one."
                ),
                fix=_("Change it to {range}.", range=found.range),
                cure={path("reserved"): right},
                command=s.replaying({path("reserved"): json.dumps(right)}),
            )


def _existing_subnets(s: Situation) -> list[_ExistingSubnet]:
    """The existing subnets of our VNET."""
    ours = s.ids["vnet"].lower()
    vnet = next((v for v in s.facts.vnets if str(v["id"]).lower() == ours), None)
    return [
        _ExistingSubnet.of(subnet)
        for subnet in (vnet or {}).get("properties", {}).get("subnets") or ()
    ]


@dataclass(frozen=True)
class _ExistingSubnet:
    """An existing subnet. `users` are the ids of resources with addresses in it, `holders` those of
    the workspaces that use it exclusively."""

    name: str
    range: IPv4Network
    users: tuple[str, ...]
    holders: tuple[str, ...]

    @classmethod
    def of(cls, subnet: Document) -> _ExistingSubnet:
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


def _other_workspaces(s: Situation, subnet: _ExistingSubnet) -> list[str]:
    """Workspaces other than this recipe's that hold a subnet."""
    own = s.ids["databricks"].lower()
    there = not s.is_new("databricks")
    return [h for h in subnet.holders if h.lower() != own and not (there and h == DATABRICKS)]


def _in_the_way(
    s: Situation, which: str, subnet: _ExistingSubnet, cure: Mapping[str, str]
) -> Finding:
    return Finding(
        "subnet-in-use",
        "error",
        (f"addresses.{which}",),
        _(
            "{prefix} ({field}) overlaps the existing subnet {name} ({range}) in the VNET.",
            prefix=getattr(s.recipe.addresses, which),
            field=title(f"addresses.{which}"),
            name=subnet.name,
            range=subnet.range,
        ),
        why=_("The subnets of a VNET must not overlap."),
        fix=_("Use another range, or delete that subnet."),
        cure=cure,
        command=s.replaying(cure or {f"addresses.{which}": "PREFIX"}),
    )


def _cannot_move(s: Situation, which: str, subnet: _ExistingSubnet) -> Finding:
    cure = {f"addresses.{which}": str(subnet.range)}
    return Finding(
        "subnet-in-use",
        "error",
        (f"addresses.{which}", f"names.{which}_subnet"),
        _(
            "The subnet {name} has the range {range} and is in use; it cannot be changed to "
            "{wanted}.",
            name=subnet.name,
            range=subnet.range,
            wanted=getattr(s.recipe.addresses, which),
        ),
        why=_("It is used by {user}.", user=subnet.users[0]),
        fix=_("Keep its range, or delete the resources in it."),
        cure=cure,
        command=s.replaying(cure),
    )


def _taken(
    s: Situation, which: str, subnet: _ExistingSubnet, by: str, other: Mapping[str, str]
) -> Finding:
    cure = {**another(s.recipe.names, f"{which}_subnet"), **other} if other else {}
    return Finding(
        "subnet-in-use",
        "error",
        (f"names.{which}_subnet", f"addresses.{which}"),
        _("The subnet {name} is used by another Databricks workspace.", name=subnet.name),
        why=_("{workspace} uses it exclusively.", workspace=by),
        fix=_("Use another subnet, with another range."),
        cure=cure,
        command=s.replaying(cure or {f"names.{which}_subnet": "NAME"}),
    )
