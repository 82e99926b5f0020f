"""Quotas compared with what is still to be created. Existing resources count as used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from amlwizard.cloud.facts import Usage
from amlwizard.errors import Finding
from amlwizard.language import _, _n
from amlwizard.preflight.offers import size
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import Training
from amlwizard.rules.capacity import surge_of

PUBLIC_ADDRESSES = (
    "publicipaddresses",
    "staticpublicipaddresses",
    "standardskupublicipaddresses",
    "ipv4standardskupublicipaddresses",
)
COUNTED = {
    "Microsoft.Network/virtualNetworks": "virtualnetworks",
    "Microsoft.Network/networkSecurityGroups": "networksecuritygroups",
    "Microsoft.Network/natGateways": "natgateways",
    "Microsoft.Network/privateEndpoints": "privateendpoints",
}


@dataclass(frozen=True)
class Need:
    """vCPUs needed from a quota family, with the recipe fields that determine their number."""

    vcpus: int
    family: str
    fields: tuple[str, ...]
    what: str


@dataclass(frozen=True)
class Demand:
    """What a recipe needs of one counter of its region. `title` names it with the region, `parts`
    say for what."""

    rule: str
    provider: str
    counter: str
    title: str
    need: int
    usage: Usage
    fields: tuple[str, ...]
    parts: str


def quotas(s: Situation) -> Iterator[Finding]:
    """What this recipe alone would exceed."""
    for demand in demands(s):
        if demand.need > demand.usage.left:
            what = _(
                "{title}: {need} are needed, {left} are left.",
                title=demand.title,
                need=demand.need,
                left=max(0, demand.usage.left),
            )
            fix = _("Request more quota, use less, or choose another region.")
            yield _exceeded(s, demand, what, demand.parts, demand.need, fix)


def of_pool(s: Situation) -> Iterator[Finding]:
    """The vCPUs of nodes from a pool: Databricks alone knows their size and which stand by already."""
    training = s.recipe.training
    if training.instance_pool and s.starts_cluster:
        yield Finding(
            "not-checked",
            "warning",
            ("training.instance_pool",),
            _n(
                "Could not be checked: whether the vCPU quota has room for {n} node of the instance "
                "pool {pool}.",
                "Could not be checked: whether the vCPU quota has room for {n} nodes of the instance "
                "pool {pool}.",
                1 + training.most_workers,
                pool=training.instance_pool,
            ),
            why=_(
                "The pool has a node type of its own, and may have idle nodes, which are in use "
                "already."
            ),
            fix=_(
                "Look at the pool's node type, its idle nodes and its maximum capacity in Databricks."
            ),
        )


def exceeded_together(situations: Mapping[str, Situation]) -> dict[str, list[Finding]]:
    """What recipes that fit one by one exceed together, for each of those concerned. `situations`
    are by recipe."""
    claims: dict[tuple[str, ...], dict[str, Demand]] = defaultdict(dict)
    for name, s in situations.items():
        for demand in demands(s):
            claims[s.subscription, s.region, demand.provider, demand.counter][name] = demand
    found: dict[str, list[Finding]] = defaultdict(list)
    for claim in claims.values():
        need, left = sum(d.need for d in claim.values()), min(d.usage.left for d in claim.values())
        if len(claim) > 1 and need > left:
            for name, demand in claim.items():
                what = _(
                    "{title}: {recipes} need {need} together, {excess} more than the {left} that are left.",
                    title=demand.title,
                    recipes=", ".join(claim),
                    need=need,
                    excess=need - left,
                    left=max(0, left),
                )
                parts = "; ".join(f"{other}: {d.need} ({d.parts})" for other, d in claim.items())
                s = situations[name]
                fix = _("Request more quota, replay fewer of them, or choose another region.")
                found[name].append(_exceeded(s, demand, what, parts, need, fix))
    return found


def demands(s: Situation) -> Iterator[Demand]:
    """What the remaining steps need, where the cloud told the quota."""
    yield from _vcpus(s)
    yield from _machine_learning(s)
    yield from _addresses(s)
    yield from _network(s)


def needs(s: Situation) -> list[Need]:
    """vCPUs that the remaining steps need. A size that is not offered is a separate finding."""
    found = []
    serving, training = s.recipe.serving, s.recipe.training
    nodes = _nodes_to_add(s)
    surge = surge_of(serving.most_nodes, serving.max_surge)
    machine = size(s, serving.node_size)
    if nodes and machine:
        found.append(
            Need(
                (nodes + surge) * machine.vcpus,
                machine.family,
                ("serving.nodes", "serving.node_size")
                + (("serving.max_nodes",) if serving.max_nodes else ()),
                _n(
                    "{n} AKS node and {surge} more during upgrades",
                    "{n} AKS nodes and {surge} more during upgrades",
                    nodes,
                    surge=surge,
                ),
            )
        )
    machine = size(s, s.machine_of_training or "")
    if machine and s.starts_cluster:
        found.append(
            Need(
                (1 + training.most_workers) * machine.vcpus,
                machine.family,
                (*_workers(training), "training.node_type"),
                _n("{n} Databricks node", "{n} Databricks nodes", 1 + training.most_workers),
            )
        )
    return found


def _workers(training: Training) -> tuple[str, ...]:
    """The fields that say how many workers there may be."""
    return ("training.workers", *(("training.max_workers",) if training.max_workers else ()))


def _nodes_to_add(s: Situation) -> int:
    wanted = int(s.recipe.serving.most_nodes)
    if s.facts.cluster is None:
        return wanted
    pools = s.facts.cluster["properties"].get("agentPoolProfiles") or ()
    return max(0, wanted - sum(int(pool.get("count") or 0) for pool in pools))


def _vcpus(s: Situation) -> Iterator[Demand]:
    """vCPU quotas of the region as a whole and of each family."""
    held, wanted = s.facts.usages.get("compute", {}), needs(s)
    counters = [("cores", _("Regional vCPUs in {region}", region=s.region), wanted)]
    counters += [
        (
            family,
            _("{family} vCPUs in {region}", family=family, region=s.region),
            [n for n in wanted if n.family == family],
        )
        for family in dict.fromkeys(need.family for need in wanted)
    ]
    for counter, title, those in counters:
        usage, need = held.get(counter.lower()), sum(n.vcpus for n in those)
        if usage and need:
            yield Demand(
                "vcpu-quota",
                "Microsoft.Compute",
                counter,
                title,
                need,
                usage,
                tuple(field for n in those for field in n.fields),
                "; ".join(_("{vcpus} for {what}", vcpus=n.vcpus, what=n.what) for n in those),
            )


def _machine_learning(s: Situation) -> Iterator[Demand]:
    """The separate vCPU quotas of Machine Learning compute."""
    machine = size(s, s.recipe.serving.build_node_size)
    if not machine or not s.is_new("build-compute"):
        return
    for counter in ("TotalDedicatedCores", machine.family):
        usage = s.facts.usages.get("ml", {}).get(counter.lower())
        if usage:
            yield Demand(
                "ml-vcpu-quota",
                "Microsoft.MachineLearningServices",
                counter,
                _(
                    "Machine Learning vCPUs ({counter}) in {region}",
                    counter=counter,
                    region=s.region,
                ),
                machine.vcpus,
                usage,
                ("serving.build_node_size",),
                _("{vcpus} for the node that builds images", vcpus=machine.vcpus),
            )


def _addresses(s: Situation) -> Iterator[Demand]:
    """The quota of public addresses: ours, and those that AKS and Databricks allocate."""
    own = [p for p in s.new if p.type == "Microsoft.Network/publicIPAddresses"]
    parts = [_("{n} of the recipe", n=len(own))] if own else []
    fields = [field for planned in own for field in s.fields_of(planned)]
    need = len(own)
    if s.is_new("aks"):
        way_out = s.recipe.security.aks_outbound == "load-balancer"
        balancers = int(way_out) + int(s.recipe.serving.load_balancer == "public")
        if balancers:
            parts.append(_("{n} for the load balancer of AKS", n=balancers))
        fields += ["serving.load_balancer", "security.aks_outbound"]
        need += balancers
    if not s.recipe.security.databricks_no_public_ip and s.starts_cluster:
        nodes = 1 + s.recipe.training.most_workers
        parts.append(_("{n} for Databricks nodes", n=nodes))
        fields += ["security.databricks_no_public_ip", *_workers(s.recipe.training)]
        need += nodes
    held = s.facts.usages.get("network", {})
    counters = [(name, held[name]) for name in PUBLIC_ADDRESSES if name in held]
    if not counters or not need:
        return
    counter, usage = min(counters, key=lambda pair: pair[1].left)
    yield Demand(
        "public-ip-quota",
        "Microsoft.Network",
        counter,
        _("Public IP addresses in {region}", region=s.region),
        need,
        usage,
        tuple(fields),
        "; ".join(parts),
    )


def _network(s: Situation) -> Iterator[Demand]:
    """The quotas of other network resources per subscription and region."""
    for kind, counter in COUNTED.items():
        need = sum(planned.type == kind for planned in s.new)
        usage = s.facts.usages.get("network", {}).get(counter)
        if usage and need:
            yield Demand(
                "network-quota",
                "Microsoft.Network",
                counter,
                _("{type} in {region}", type=kind, region=s.region),
                need,
                usage,
                ("sign_in.region",),
                _("{n} of the recipe", n=need),
            )


def _exceeded(s: Situation, demand: Demand, what: str, parts: str, need: int, fix: str) -> Finding:
    usage = demand.usage
    scope = f"/subscriptions/{s.subscription}/providers/{demand.provider}/locations/{s.region}"
    return Finding(
        demand.rule,
        "error",
        tuple(dict.fromkeys(demand.fields)),
        what,
        why=_(
            "{parts}; {used} of {limit} are in use.",
            parts=parts,
            used=usage.used,
            limit=usage.limit,
        ),
        fix=fix,
        command=f"az quota update --resource-name {demand.counter} --scope {scope} "
        f"--limit-object value={usage.used + need}",
    )
