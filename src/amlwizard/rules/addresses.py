"""Rules about the placement of ranges: VNET, subnets, Kubernetes ranges, connected networks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from amlwizard.design.subnets import ENTRY, SUBNETS
from amlwizard.errors import Finding
from amlwizard.language import _, _n, listed
from amlwizard.recipe import Addresses, Names, title
from amlwizard.rules import address_plan
from amlwizard.rules.address_space import (
    AKS_RESERVED,
    DEFAULTS,
    DOCKER,
    FORBIDDEN,
    IN_VNET,
    NEIGHBOURS,
    OUTSIDE,
    PRIVATE,
    Kind,
    Range,
    outsized,
    path,
    paths,
    touched,
    within,
)
from amlwizard.rules.base import Rule, rule
from amlwizard.rules.rule_context import Ranges

VNET_DOCS = _("Cloud Adoption Framework, Plan for IP addressing")
AKS_DOCS = _("AKS, CNI networking overview")
PLANNING = _("AKS, IP address planning")
ML_DOCS = _("Azure Machine Learning, private link and secure workspace VNet")


# -- the VNET, and ranges reserved by Azure


@rule(
    "VN-1",
    _(
        "A network cannot contain multicast, loopback or link-local addresses, or Azure's DNS address."
    ),
    "ranges",
    about=paths("vnet", *OUTSIDE),
    source=VNET_DOCS,
)
def forbidden(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    for name, network in ranges.known("vnet", *OUTSIDE):
        bad = touched(network, FORBIDDEN)
        if bad:
            yield ranges.found(
                rule,
                path(name),
                _(
                    "{field} {range} overlaps the reserved range {reserved}.",
                    field=title(path(name)),
                    range=network,
                    reserved=bad,
                ),
                name,
            )


@rule(
    "VN-2",
    _(
        "With public addresses inside a network, the Internet hosts that own them cannot be reached."
    ),
    "ranges",
    about=paths("vnet", *OUTSIDE),
    source=VNET_DOCS,
    severity="warning",
)
def private_space(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    for name, network in ranges.known("vnet", *OUTSIDE):
        # A public pod range is a separate error.
        if name != "pod_cidr" and not within(network, PRIVATE) and not touched(network, FORBIDDEN):
            yield ranges.found(
                rule,
                path(name),
                _(
                    "{field} {range} is not private address space.",
                    field=title(path(name)),
                    range=network,
                ),
                name,
                otherwise=_(
                    "Use a range of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10."
                ),
            )


@rule(
    "VN-3",
    _("AKS reserves 169.254.0.0/16, 172.30.0.0/16, 172.31.0.0/16 and 192.0.2.0/24."),
    "ranges",
    about=paths("vnet", *OUTSIDE),
    source=AKS_DOCS,
)
def aks_reserved(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    for name, network in ranges.known("vnet", *OUTSIDE):
        bad = touched(network, AKS_RESERVED)
        if bad and not touched(network, FORBIDDEN):
            yield ranges.found(
                rule,
                path(name),
                _(
                    "{field} {range} overlaps the reserved range {reserved}.",
                    field=title(path(name)),
                    range=network,
                    reserved=bad,
                ),
                name,
            )


@rule(
    "VN-4",
    _("Machine Learning compute uses 172.17.0.0/16 for its Docker bridge network."),
    "ranges",
    about=paths("vnet"),
    source=ML_DOCS,
)
def docker_bridge(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    vnet = ranges.get("vnet")
    if vnet and vnet.overlaps(DOCKER):
        what = _("The VNET {vnet} overlaps {docker}.", vnet=vnet, docker=DOCKER)
        yield ranges.found(rule, path("vnet"), what, "vnet")


# -- subnets and overlaps


@rule(
    "SN-1",
    _("A subnet must lie inside its VNET, which has one prefix in a recipe."),
    "ranges",
    about=paths("vnet", *SUBNETS, *ENTRY.values(), "reserved"),
    source="Azure Resource Manager",
)
def inside(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    vnet = ranges.get("vnet")
    if vnet is None:
        return
    lost = [r for r in ranges.space.ranges() if r.kind in IN_VNET and not r.network.subnet_of(vnet)]
    if lost:
        # Several at once have one cause: the VNET has changed. So they are one finding.
        fields = (*(found.path for found in lost), path("vnet"))
        # Existing subnets cannot move: the VNET has to move to contain them.
        moving = ["vnet" if found.kind == "reserved" else found.name for found in lost]
        yield ranges.found(
            rule,
            fields if len(lost) == 1 else (fields[-1], *fields[:-1]),
            _n(
                "{ranges} is not inside the VNET {vnet}.",
                "{ranges} are not inside the VNET {vnet}.",
                len(lost),
                ranges=listed([found.text for found in lost]),
                vnet=vnet,
            ),
            *dict.fromkeys(moving),
            otherwise=_("Choose a range inside the VNET, or enlarge the VNET."),
        )


@rule(
    "SN-5",
    _("Subnets, the AKS service range and the pod range must not overlap one another."),
    "ranges",
    about=paths(*SUBNETS, *ENTRY.values(), "service_cidr", "pod_cidr", "reserved"),
    source=PLANNING,
)
def disjoint(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    for one, others in _causes([*ranges.overlaps({*IN_VNET, "service", "pod"})]).items():
        yield ranges.overlapping(rule, one, others)


@rule(
    "SN-6",
    _("The VNET, the service range and the pod range must not overlap connected networks."),
    "ranges",
    about=paths("vnet", "service_cidr", "pod_cidr", *NEIGHBOURS),
    source=PLANNING,
)
def neighbours(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    yield from ranges.in_the_way(rule, {"vnet", "service", "pod"}, set(NEIGHBOURS.values()))


@rule(
    "SN-7",
    _(
        "Azure prefers the route with the longer prefix: the VNET may lie inside a range that is announced "
        "on premises, as long as nothing there uses its addresses."
    ),
    "ranges",
    about=paths("vnet", "on_premises"),
    source=_("Azure, virtual network traffic routing"),
    severity="warning",
)
def announced(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    vnet = ranges.get("vnet")
    if vnet is None:
        return
    around = [r for r in ranges.space.neighbours if r.holds(vnet) and not r.route]
    if around:
        yield rule.finding(
            (path("vnet"), *(found.path for found in around)),
            _n(
                "{ranges} contains the VNET {vnet}.",
                "{ranges} contain the VNET {vnet}.",
                len(around),
                ranges=listed([found.text for found in around]),
                vnet=vnet,
            ),
            _("Make sure that nothing on premises uses {vnet}.", vnet=vnet),
        )


@rule(
    "SN-8",
    _(
        "A default route sends all outbound traffic of the VNET on premises, bypassing the NAT gateway; it "
        "does not tell which addresses are in use there."
    ),
    "ranges",
    about=paths("on_premises"),
    source=_("Azure, forced tunnelling; NAT gateway, order of precedence"),
    severity="warning",
)
def default_route(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    for found in ranges.space.neighbours:
        if found.route:
            yield rule.finding(
                (found.path, path("on_premises")),
                _("{range} is a route, not a range in use.", range=found.text),
                _(
                    "List the ranges that are in use on premises, such as 10.0.0.0/8, instead or in "
                    "addition."
                ),
            )


@rule(
    "SN-9",
    _("Reserved subnets must have other names than the subnets of the recipe."),
    "addresses",
    "names",
    about=paths("reserved"),
    source="Azure Resource Manager",
)
def reserved_names(rule: Rule, addresses: Addresses, names: Names) -> Iterator[Finding]:
    seen = {getattr(names, f"{which}_subnet").lower(): f"names.{which}_subnet" for which in SUBNETS}
    for number, subnet in enumerate(addresses.reserved):
        place, name = f"{path('reserved')}.{number}", subnet.name.lower()
        if name in seen:
            yield rule.finding(
                (place, path("reserved"), seen[name]),
                _("Two subnets have the name {name!r}.", name=subnet.name),
                _("List only subnets here that the recipe does not create."),
            )
        seen.setdefault(name, place)


@rule(
    "AK-3",
    _("A service range inside the VNET shadows any resource later given one of its addresses."),
    "ranges",
    about=paths("vnet", "service_cidr"),
    source=_("AKS, legacy CNI"),
    severity="warning",
)
def service_in_vnet(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    yield from _in_vnet(rule, ranges, "service")


@rule(
    "AK-15",
    _("AKS refuses a pod range that overlaps its VNET (NetworkProfileCIDROverlapVNET)."),
    "ranges",
    about=paths("vnet", "pod_cidr"),
    source=PLANNING,
)
def pods_in_vnet(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    yield from _in_vnet(rule, ranges, "pod")


def _in_vnet(rule: Rule, ranges: Ranges, kind: Kind) -> Iterator[Finding]:
    """Findings for a range that overlaps the VNET but no subnet; SN-5 reports the latter."""
    subnets = [found.network for found in ranges.space.ranges() if found.kind in IN_VNET]
    for vnet, other in ranges.overlaps({"vnet"}, {kind}):
        if not touched(other.network, subnets):
            inside = other.network.subnet_of(vnet.network)
            yield ranges.found(
                rule,
                (other.path, vnet.path),
                _("{range} lies inside the VNET {vnet}.", range=other.text, vnet=vnet.network)
                if inside
                else _("{range} contains the VNET {vnet}.", range=other.text, vnet=vnet.network),
                other.name,
                otherwise=_("Choose a range outside the VNET."),
            )


@rule(
    "AK-4",
    _(
        "The AKS DNS address must lie in the service range, and be neither its first nor its second address."
    ),
    "ranges",
    about=paths("dns_service_ip", "service_cidr"),
    source=_("AKS, DNS service IP"),
)
def dns_address(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    dns, service = ranges.space.dns, ranges.get("service_cidr")
    if dns is None or service is None or address_plan.dns_in(service, dns) == dns:
        return
    if dns not in service:
        what = _(
            "The AKS DNS address {dns} is not in the service range {service}.",
            dns=dns,
            service=service,
        )
    elif dns == service[0]:
        what = _("The AKS DNS address {dns} is the network address of the service range.", dns=dns)
    else:
        what = _("The AKS DNS address {dns} is reserved for kubernetes.default.", dns=dns)
    fields = (path("dns_service_ip"), path("service_cidr"))
    yield ranges.found(rule, fields, what, "dns_service_ip", otherwise=_("Choose another address."))


def _causes(pairs: Sequence[tuple[Range, Range]]) -> dict[Range, list[Range]]:
    """The ranges to move so that no overlap is left, each with the ranges that it overlaps. As few
    as possible: a range that overlaps many others is a single cause."""
    met: dict[Range, list[Range]] = {}
    for one, other in pairs:
        met.setdefault(one, []).append(other)
        met.setdefault(other, []).append(one)
    causes: dict[Range, list[Range]] = {}
    movable = [found for found in met if found.name in DEFAULTS]
    while left := {f: them for f in movable if (them := _left(met, causes, f))}:
        moving = max(left, key=lambda found: _unwanted(found, len(left[found])))
        causes[moving] = left[moving]
    for one, __ in pairs:  # of those that are left, none can move
        if them := _left(met, causes, one):
            causes[one] = them
    return causes


def _left(
    met: Mapping[Range, Sequence[Range]], causes: Collection[Range], found: Range
) -> list[Range]:
    """What a range still overlaps once the causes have moved."""
    return [] if found in causes else [other for other in met[found] if other not in causes]


def _unwanted(found: Range, overlapping: int) -> tuple[int, ...]:
    """Sort key; the highest is the range to move. In order of weight: it overlaps the most others,
    it is larger than necessary, it is the default, its field comes later."""
    return (
        overlapping,
        outsized(found.name, found.network),
        found.network == DEFAULTS[found.name],
        [*DEFAULTS].index(found.name),
    )
