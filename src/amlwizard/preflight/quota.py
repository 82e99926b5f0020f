"""Quotas compared with what is still to be created. Existing resources count as used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amlwizard.cloud.facts import Usage
from amlwizard.errors import Finding
from amlwizard.preflight.offers import size
from amlwizard.preflight.situation import Situation
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
                f"{nodes} AKS nodes and {surge} for upgrades",
            )
        )
    machine = size(s, training.node_type)
    if machine and s.starts_cluster:
        found.append(
            Need(
                (1 + training.workers) * machine.vcpus,
                machine.family,
                ("training.workers", "training.node_type"),
                f"{1 + training.workers} Databricks nodes",
            )
        )
    return found


def _nodes_to_add(s: Situation) -> int:
    wanted = int(s.recipe.serving.most_nodes)
    if s.facts.cluster is None:
        return wanted
    pools = s.facts.cluster["properties"].get("agentPoolProfiles") or ()
    return max(0, wanted - sum(int(pool.get("count") or 0) for pool in pools))


def vcpus(s: Situation) -> Iterator[Finding]:
    """vCPU quotas of the region as a whole and of each family."""
    held, wanted = s.facts.usages.get("compute", {}), needs(s)
    counters = [("cores", "Regional vCPUs", wanted)]
    counters += [
        (family, f"{family} vCPUs", [n for n in wanted if n.family == family])
        for family in dict.fromkeys(need.family for need in wanted)
    ]
    for counter, title, those in counters:
        usage, need = held.get(counter.lower()), sum(n.vcpus for n in those)
        if usage and need and need > usage.left:
            what = "; ".join(f"{n.vcpus} for {n.what}" for n in those)
            yield _exceeded(
                s,
                "vcpu-quota",
                tuple(field for n in those for field in n.fields),
                f"{title} in {s.region}: {need} are needed, {max(0, usage.left)} are left.",
                what,
                "Microsoft.Compute",
                counter,
                usage,
                need,
            )


def machine_learning(s: Situation) -> Iterator[Finding]:
    """The separate vCPU quotas of Machine Learning compute."""
    machine = size(s, s.recipe.serving.build_node_size)
    if not machine or not s.is_new("build-compute"):
        return
    for counter in ("TotalDedicatedCores", machine.family):
        usage = s.facts.usages.get("ml", {}).get(counter.lower())
        if usage and machine.vcpus > usage.left:
            yield _exceeded(
                s,
                "ml-vcpu-quota",
                ("serving.build_node_size",),
                f"Machine Learning vCPUs ({counter}) in {s.region}: {machine.vcpus} are needed, "
                f"{max(0, usage.left)} are left.",
                f"{machine.vcpus} for the node that builds images",
                "Microsoft.MachineLearningServices",
                counter,
                usage,
                machine.vcpus,
            )


def addresses(s: Situation) -> Iterator[Finding]:
    """The quota of public addresses: ours, and those that AKS and Databricks allocate."""
    own = [p for p in s.new if p.type == "Microsoft.Network/publicIPAddresses"]
    parts = [f"{len(own)} of the recipe"] if own else []
    fields = [field for planned in own for field in s.fields_of(planned)]
    need = len(own)
    if s.is_new("aks"):
        way_out = s.recipe.security.aks_outbound == "load-balancer"
        balancers = int(way_out) + int(s.recipe.serving.load_balancer == "public")
        if balancers:
            parts.append(f"{balancers} for the load balancer of AKS")
        fields += ["serving.load_balancer", "security.aks_outbound"]
        need += balancers
    if not s.recipe.security.databricks_no_public_ip and s.starts_cluster:
        nodes = 1 + s.recipe.training.workers
        parts.append(f"{nodes} for Databricks nodes")
        fields += ["security.databricks_no_public_ip", "training.workers"]
        need += nodes
    held = s.facts.usages.get("network", {})
    counters = [(name, held[name]) for name in PUBLIC_ADDRESSES if name in held]
    if not counters or not need:
        return
    counter, usage = min(counters, key=lambda pair: pair[1].left)
    if need > usage.left:
        yield _exceeded(
            s,
            "public-ip-quota",
            tuple(fields),
            f"Public IP addresses in {s.region}: {need} are needed, {max(0, usage.left)} are left.",
            "; ".join(parts),
            "Microsoft.Network",
            counter,
            usage,
            need,
        )


def network(s: Situation) -> Iterator[Finding]:
    """The quotas of other network resources per subscription and region."""
    for kind, counter in COUNTED.items():
        need = sum(planned.type == kind for planned in s.new)
        usage = s.facts.usages.get("network", {}).get(counter)
        if usage and need and need > usage.left:
            yield _exceeded(
                s,
                "network-quota",
                ("sign_in.region",),
                f"{kind} in {s.region}: {need} are needed, {max(0, usage.left)} are left.",
                f"{need} of the recipe",
                "Microsoft.Network",
                counter,
                usage,
                need,
            )


def _exceeded(
    s: Situation,
    rule: str,
    fields: tuple[str, ...],
    what: str,
    parts: str,
    provider: str,
    counter: str,
    usage: Usage,
    need: int,
) -> Finding:
    scope = f"/subscriptions/{s.subscription}/providers/{provider}/locations/{s.region}"
    return Finding(
        rule,
        "error",
        tuple(dict.fromkeys(fields)),
        what,
        why=f"{parts}; {usage.used} of {usage.limit} are in use.",
        fix="Ask for more quota, use less, or choose another region.",
        command=f"az quota update --resource-name {counter} --scope {scope} "
        f"--limit-object value={usage.used + need}",
    )
