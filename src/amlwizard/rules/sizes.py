"""Rules about the size of ranges: fixed limits, and room for what will run in them."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.design.subnets import DATABRICKS, SUBNETS
from amlwizard.errors import Finding
from amlwizard.language import listed
from amlwizard.recipe import Serving, Training, title
from amlwizard.rules.address_space import AKS_RESERVED, PRIVATE, path, paths, touched, within
from amlwizard.rules.addresses import PLANNING
from amlwizard.rules.base import Rule, counted, rule, usable
from amlwizard.rules.capacity import (
    LONGEST,
    LONGEST_SERVICES,
    LONGEST_SUBNET,
    SHORTEST,
    pod_nodes,
    scoring_nodes,
)
from amlwizard.rules.rule_context import Ranges

OVERLAY = "AKS, Azure CNI Overlay"
DATABRICKS_DOCS = "Azure Databricks, VNet injection"
POOL_PODS = 30
WORKERS = ("training.max_workers", "training.workers")
NODES = ("serving.nodes", "serving.max_nodes", "serving.max_surge")


@rule(
    "AK-17",
    "The most nodes of an autoscaler must not be fewer than its fewest.",
    "serving",
    about=("serving.nodes", "serving.max_nodes"),
    source="AKS, cluster autoscaler",
)
def scaled(rule: Rule, serving: Serving) -> Iterator[Finding]:
    if serving.max_nodes is not None and serving.max_nodes < serving.nodes:
        yield rule.finding(
            ("serving.max_nodes", "serving.nodes"),
            f"Most nodes is {serving.max_nodes}, fewer than Nodes, which is {serving.nodes}.",
            cure={"serving.max_nodes": serving.nodes},
        )


@rule(
    "DB-10",
    "An autoscaler needs at least one worker, and a maximum above its minimum.",
    "training",
    about=("training.workers", "training.max_workers"),
    source="Azure Databricks, Clusters API: autoscale",
)
def workers_scaled(rule: Rule, training: Training) -> Iterator[Finding]:
    most = training.max_workers
    if most is None:
        return
    if training.workers == 0:
        what = "A single-node cluster, with 0 workers, cannot scale."
        yield rule.finding(WORKERS, what, cure={"training.workers": 1} if most > 1 else {})
    elif most <= training.workers:
        what = f"Most workers is {most}, not more than Workers, which is {training.workers}."
        yield rule.finding(WORKERS, what, cure={"training.max_workers": None})


@rule(
    "VN-5",
    "The VNET of a Databricks workspace must be a /16 to a /24.",
    "ranges",
    about=paths("vnet"),
    source=DATABRICKS_DOCS,
)
def vnet_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    vnet = ranges.get("vnet")
    if vnet and not SHORTEST["vnet"] <= vnet.prefixlen <= LONGEST["vnet"]:
        what = (
            f"The VNET {vnet} is too {'large' if vnet.prefixlen < SHORTEST['vnet'] else 'small'}."
        )
        yield ranges.found(rule, path("vnet"), what, "vnet", otherwise="Use a /16 to /24.")


@rule(
    "SN-2",
    "A subnet must be a /29 or larger.",
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
                f"{title(path(name))} {network} is too small.",
                name,
                otherwise="Use a /29 or larger.",
            )


@rule(
    "DB-1",
    "Each of the two Databricks subnets must be a /26 or larger.",
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
            f"{said} {'is' if len(small) == 1 else 'are'} too small for Databricks.",
            *small,
            otherwise="Use a /26 or larger.",
        )


@rule(
    "DB-5",
    "Each cluster node uses one address in each Databricks subnet.",
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
            f"{nodes} Databricks nodes do not fit into {least}, which has {usable(least)} usable addresses.",
            *tight,
            otherwise=f"Set {title(most)} to {usable(least) - 1} or less.",
        )


@rule(
    "PE-1",
    "The private endpoints of workspace, storage, key vault and registry use up to 8 addresses.",
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
            f"The workspace subnet {workspace} has {usable(workspace)} usable addresses; the private endpoints "
            f"need {need}.",
            "workspace",
            otherwise="Use a /28 or larger; a /27 leaves room to grow.",
        )


@rule(
    "AK-2",
    "The AKS service range must be smaller than a /12 and have at least 8 addresses, which Kubernetes "
    "needs to start.",
    "ranges",
    about=paths("service_cidr"),
    source=f"{PLANNING}; Kubernetes, kube-apiserver",
)
def service_size(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    service = ranges.get("service_cidr")
    if service and not SHORTEST["service_cidr"] <= service.prefixlen <= LONGEST_SERVICES:
        large = service.prefixlen < SHORTEST["service_cidr"]
        yield ranges.found(
            rule,
            path("service_cidr"),
            f"The service range {service} is too {'large' if large else 'small'}.",
            "service_cidr",
            otherwise="Use a /13 to /24.",
        )


@rule(
    "AK-16",
    "Every Kubernetes service uses an address: those of Kubernetes itself, of the Machine Learning "
    "extension and of each deployment.",
    "ranges",
    about=paths("service_cidr"),
    source="AKS, IP address planning; a judgement",
    severity="warning",
)
def service_room(rule: Rule, ranges: Ranges) -> Iterator[Finding]:
    service = ranges.get("service_cidr")
    if service and LONGEST["service_cidr"] < service.prefixlen <= LONGEST_SERVICES:
        yield ranges.found(
            rule,
            path("service_cidr"),
            f"The service range {service} has only {service.num_addresses} addresses.",
            "service_cidr",
            otherwise="Use a /24 or larger.",
        )


@rule(
    "AK-6",
    "With overlay, every node uses a /24 of the pod range, which must be private or in 100.64.0.0/10.",
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
            f"The pod range {pods} has room for {counted(room, 'node')}, but {load.nodes} are needed, and "
            f"{load.surge} for upgrades.",
            "pod_cidr",
            otherwise="Use a larger pod range, or fewer nodes.",
        )
    elif not within(pods, PRIVATE) and not touched(pods, AKS_RESERVED):
        yield ranges.found(
            rule,
            path("pod_cidr"),
            f"The pod range {pods} is not private address space.",
            "pod_cidr",
        )


@rule(
    "AK-7",
    "With overlay, every node uses an address of its subnet; so do nodes that upgrades add, an internal "
    "load balancer and a private API server.",
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
            f"The scoring subnet {scoring} has {usable(scoring)} usable addresses; {need} are needed: "
            f"{ranges.load.nodes} for nodes, {ranges.load.surge} for upgrades, "
            f"{ranges.load.fronts} for load balancer and API server.",
            "scoring",
            otherwise="Use a larger subnet, or fewer nodes.",
        )


@rule(
    "AK-8",
    "Without overlay, every node and every pod that it may run uses an address of the subnet; so do "
    "the nodes that upgrades add.",
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
            f"{counted(load.nodes, 'node')} of {load.max_pods} pods, and {load.surge} more while "
            f"they are upgraded, need {need} addresses; {scoring} has {have}, enough to run and "
            f"upgrade {counted(fit, 'node')}.",
            "scoring",
            otherwise="Set Pod network to overlay, or use fewer pods per node.",
        )


@rule(
    "AK-9",
    "A node pool must have room for at least 30 pods.",
    "serving",
    about=("serving.max_pods", "serving.nodes"),
    source=PLANNING,
)
def pod_room(rule: Rule, serving: Serving) -> Iterator[Finding]:
    if serving.nodes * serving.max_pods < POOL_PODS:
        cure = {"serving.max_pods": -(-POOL_PODS // serving.nodes)}
        yield rule.finding(
            ("serving.max_pods", "serving.nodes"),
            f"{counted(serving.nodes, 'node')} with {serving.max_pods} pods each have room for only "
            f"{serving.nodes * serving.max_pods} pods.",
            cure=cure,
        )
