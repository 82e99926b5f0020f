"""Rules about the size of ranges: fixed limits, and room for what will run in them."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.design.subnets import DATABRICKS, SUBNETS
from amlwizard.errors import Finding
from amlwizard.language import _, _n, listed
from amlwizard.recipe import Serving, Training, title
from amlwizard.rules.address_space import AKS_RESERVED, PRIVATE, path, paths, touched, within
from amlwizard.rules.addresses import PLANNING
from amlwizard.rules.base import Rule, rule, usable
from amlwizard.rules.capacity import (
    LONGEST,
    LONGEST_SERVICES,
    LONGEST_SUBNET,
    SHORTEST,
    pod_nodes,
    scoring_nodes,
)
from amlwizard.rules.rule_context import Ranges

OVERLAY = _("AKS, Azure CNI Overlay")
DATABRICKS_DOCS = _("Azure Databricks, VNet injection")
POOL_PODS = 30
WORKERS = ("training.max_workers", "training.workers")
NODES = ("serving.nodes", "serving.max_nodes", "serving.max_surge")


@rule(
    "AK-17",
    _("The most nodes of an autoscaler must not be fewer than its fewest."),
    "serving",
    about=("serving.nodes", "serving.max_nodes"),
    source=_("AKS, cluster autoscaler"),
)
def scaled(rule: Rule, serving: Serving) -> Iterator[Finding]:
    if serving.max_nodes is not None and serving.max_nodes < serving.nodes:
        yield rule.finding(
            ("serving.max_nodes", "serving.nodes"),
            _(
                "{most_field} is {most}, fewer than {field}, which is {nodes}.",
                most_field=title("serving.max_nodes"),
                most=serving.max_nodes,
                field=title("serving.nodes"),
                nodes=serving.nodes,
            ),
            cure={"serving.max_nodes": serving.nodes},
        )


@rule(
    "DB-10",
    _("An autoscaler needs at least one worker, and a maximum above its minimum."),
    "training",
    about=("training.workers", "training.max_workers"),
    source=_("Azure Databricks, Clusters API: autoscale"),
)
def workers_scaled(rule: Rule, training: Training) -> Iterator[Finding]:
    most = training.max_workers
    if most is None:
        return
    if training.workers == 0:
        what = _("A single-node cluster, with 0 workers, cannot scale.")
        yield rule.finding(WORKERS, what, cure={"training.workers": 1} if most > 1 else {})
    elif most <= training.workers:
        what = _(
            "{most_field} is {most}, not more than {field}, which is {workers}.",
            most_field=title("training.max_workers"),
            most=most,
            field=title("training.workers"),
            workers=training.workers,
        )
        yield rule.finding(WORKERS, what, cure={"training.max_workers": None})


@rule(
    "VN-5",
    _("The VNET of a Databricks workspace must be a /16 to a /24."),
    "ranges",
    about=paths("vnet"),
    source=DATABRICKS_DOCS,
)
def vnet_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    vnet = ranges.get("vnet")
    if vnet and not SHORTEST["vnet"] <= vnet.prefixlen <= LONGEST["vnet"]:
        large = vnet.prefixlen < SHORTEST["vnet"]
        yield ranges.found(
            rule,
            path("vnet"),
            _("The VNET {vnet} is too large.", vnet=vnet)
            if large
            else _("The VNET {vnet} is too small.", vnet=vnet),
            "vnet",
            otherwise=_("Use a /16 to /24."),
        )


@rule(
    "SN-2",
    _("A subnet must be a /29 or larger."),
    "ranges",
    about=paths(*SUBNETS),
    source="Azure Resource Manager",
)
def subnet_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    for name, network in ranges.space.subnets.items():
        # Databricks, Bastion and gateway have separate limits.
        if network.prefixlen > LONGEST_SUBNET and name not in LONGEST:
            yield ranges.found(
                rule,
                path(name),
                _("{field} {range} is too small.", field=title(path(name)), range=network),
                name,
                otherwise=_("Use a /29 or larger."),
            )


@rule(
    "DB-1",
    _("Each of the two Databricks subnets must be a /26 or larger."),
    "ranges",
    about=paths(*DATABRICKS),
    source=DATABRICKS_DOCS,
)
def databricks_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    own = dict(ranges.known(*DATABRICKS))
    small = [name for name, network in own.items() if network.prefixlen > LONGEST[name]]
    if small:
        said = listed([f"{title(path(name))} {own[name]}" for name in small])
        yield ranges.found(
            rule,
            paths(*small),
            _n(
                "{ranges} is too small for Databricks.",
                "{ranges} are too small for Databricks.",
                len(small),
                ranges=said,
            ),
            *small,
            otherwise=_("Use a /26 or larger."),
        )


@rule(
    "DB-5",
    _("Each cluster node uses one address in each Databricks subnet."),
    "ranges",
    "training",
    about=(*paths(*DATABRICKS), "training.workers", "training.max_workers"),
    source=DATABRICKS_DOCS,
)
def databricks_nodes(rule: Rule, ranges: Ranges, training: Training) -> Iterator[Finding]:
    nodes = ranges.load.addresses(DATABRICKS[0])
    large = {n: at for n, at in ranges.known(*DATABRICKS) if at.prefixlen <= LONGEST[n]}
    tight = [name for name, network in large.items() if nodes > usable(network)]
    if tight:
        least = min((large[name] for name in tight), key=usable)
        most = WORKERS[0 if training.max_workers else 1]
        yield ranges.found(
            rule,
            (*(path(name) for name in tight), most),
            _(
                "{nodes} Databricks nodes do not fit into {range}, which has {usable} usable addresses.",
                nodes=nodes,
                range=least,
                usable=usable(least),
            ),
            *tight,
            otherwise=_(
                "Set {field} to {most} or less.", field=title(most), most=usable(least) - 1
            ),
        )


@rule(
    "PE-1",
    _("The private endpoints of workspace, storage, key vault and registry use up to 8 addresses."),
    "ranges",
    about=paths("workspace"),
    source="Azure Private Link",
)
def private_endpoint_room(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    workspace, need = ranges.get("workspace"), ranges.load.endpoints
    if workspace and workspace.prefixlen <= LONGEST_SUBNET and usable(workspace) < need:
        yield ranges.found(
            rule,
            path("workspace"),
            _(
                "The workspace subnet {range} has {usable} usable addresses; the private endpoints "
                "need {need}.",
                range=workspace,
                usable=usable(workspace),
                need=need,
            ),
            "workspace",
            otherwise=_("Use a /28 or larger; a /27 leaves room to grow."),
        )


@rule(
    "AK-2",
    _(
        "The AKS service range must be smaller than a /12 and have at least 8 addresses, which Kubernetes "
        "needs to start."
    ),
    "ranges",
    about=paths("service_cidr"),
    source=_("{document}; Kubernetes, kube-apiserver", document=PLANNING),
)
def service_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    service = ranges.get("service_cidr")
    if service and not SHORTEST["service_cidr"] <= service.prefixlen <= LONGEST_SERVICES:
        large = service.prefixlen < SHORTEST["service_cidr"]
        yield ranges.found(
            rule,
            path("service_cidr"),
            _("The service range {range} is too large.", range=service)
            if large
            else _("The service range {range} is too small.", range=service),
            "service_cidr",
            otherwise=_("Use a /13 to /24."),
        )


@rule(
    "AK-16",
    _(
        "Every Kubernetes service uses an address: those of Kubernetes itself, of the Machine Learning "
        "extension and of each deployment."
    ),
    "ranges",
    about=paths("service_cidr"),
    source=_("{document}; a judgement", document=PLANNING),
    severity="warning",
)
def service_room(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    service = ranges.get("service_cidr")
    if service and LONGEST["service_cidr"] < service.prefixlen <= LONGEST_SERVICES:
        yield ranges.found(
            rule,
            path("service_cidr"),
            _(
                "The service range {range} has only {n} addresses.",
                range=service,
                n=service.num_addresses,
            ),
            "service_cidr",
            otherwise=_("Use a /24 or larger."),
        )


@rule(
    "AK-6",
    _(
        "With overlay, every node uses a /24 of the pod range, which must be private or in 100.64.0.0/10."
    ),
    "ranges",
    about=(*paths("pod_cidr"), *NODES),
    source=OVERLAY,
)
def pod_range(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    pods = ranges.space.own.get("pod_cidr")
    if pods is None:
        return
    room, load = pod_nodes(pods), ranges.load
    if load.nodes + load.surge > room:
        yield ranges.found(
            rule,
            (path("pod_cidr"), *NODES),
            _n(
                "The pod range {range} has room for {n} node, but {nodes} are needed, and {surge} for "
                "upgrades.",
                "The pod range {range} has room for {n} nodes, but {nodes} are needed, and {surge} for "
                "upgrades.",
                room,
                range=pods,
                nodes=load.nodes,
                surge=load.surge,
            ),
            "pod_cidr",
            otherwise=_("Use a larger pod range, or fewer nodes."),
        )
    elif not within(pods, PRIVATE) and not touched(pods, AKS_RESERVED):
        yield ranges.found(
            rule,
            path("pod_cidr"),
            _("The pod range {range} is not private address space.", range=pods),
            "pod_cidr",
        )


@rule(
    "AK-7",
    _(
        "With overlay, every node uses an address of its subnet; so do nodes that upgrades add, an internal "
        "load balancer and a private API server."
    ),
    "ranges",
    "serving",
    about=(*paths("scoring"), *NODES),
    reads=("serving.network",),
    source=OVERLAY,
)
def overlay_nodes(rule: Rule, ranges: Ranges, serving: Serving) -> Iterator[Finding]:
    scoring, need = ranges.get("scoring"), ranges.load.addresses("scoring")
    if scoring and ranges.load.overlay and need > usable(scoring):
        yield ranges.found(
            rule,
            (path("scoring"), *NODES),
            _(
                "The scoring subnet {range} has {usable} usable addresses; {need} are needed: "
                "{nodes} for nodes, {surge} for upgrades, {fronts} for load balancer and API server.",
                range=scoring,
                usable=usable(scoring),
                need=need,
                nodes=ranges.load.nodes,
                surge=ranges.load.surge,
                fronts=ranges.load.fronts,
            ),
            "scoring",
            otherwise=_("Use a larger subnet, or fewer nodes."),
        )


@rule(
    "AK-8",
    _(
        "Without overlay, every node and every pod that it may run uses an address of the subnet; so do "
        "the nodes that upgrades add."
    ),
    "ranges",
    "serving",
    about=(*paths("scoring"), *NODES, "serving.max_pods"),
    reads=("serving.network",),
    source=PLANNING,
)
def node_subnet(rule: Rule, ranges: Ranges, serving: Serving) -> Iterator[Finding]:
    load, scoring = ranges.load, ranges.get("scoring")
    need, have = load.addresses("scoring"), usable(scoring) if scoring else 0
    if scoring and not load.overlay and need > have:
        fit = scoring_nodes(scoring, load)
        yield ranges.found(
            rule,
            (path("scoring"), *NODES, "serving.max_pods"),
            _(
                "{nodes} of {max_pods} pods, and {surge} more while they are upgraded, need {need} "
                "addresses; {range} has {have}, enough to run and upgrade {fit}.",
                nodes=_n("{n} node", "{n} nodes", load.nodes),
                max_pods=load.max_pods,
                surge=load.surge,
                need=need,
                range=scoring,
                have=have,
                fit=_n("{n} node", "{n} nodes", fit),
            ),
            "scoring",
            otherwise=_(
                "Set {network} to overlay, or use fewer pods per node.",
                network=title("serving.network"),
            ),
        )


@rule(
    "AK-9",
    _("A node pool must have room for at least 30 pods."),
    "serving",
    about=("serving.max_pods", "serving.nodes"),
    source=PLANNING,
)
def pod_room(rule: Rule, serving: Serving) -> Iterator[Finding]:
    if serving.nodes * serving.max_pods < POOL_PODS:
        cure = {"serving.max_pods": -(-POOL_PODS // serving.nodes)}
        yield rule.finding(
            ("serving.max_pods", "serving.nodes"),
            _n(
                "{n} node with {max_pods} pods has room for only {room} pods.",
                "{n} nodes with {max_pods} pods each have room for only {room} pods.",
                serving.nodes,
                max_pods=serving.max_pods,
                room=serving.nodes * serving.max_pods,
            ),
            cure=cure,
        )
