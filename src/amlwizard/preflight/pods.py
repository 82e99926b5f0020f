"""Checks that the pods that serve the model can be scheduled. A pod that fits on no node stays
pending, and the deployment fails after about twenty minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amlwizard.errors import Finding
from amlwizard.json_types import Document
from amlwizard.language import _, _n
from amlwizard.preflight.offers import size
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import Serving, title

POOL = "default"
Pod = tuple[float, float]
"""CPU in millicores, memory in MiB."""

FIELDS = (
    "serving.cpu",
    "serving.memory",
    "serving.instances",
    "serving.nodes",
    "serving.node_size",
)
# AKS, node resource reservations (1.29 and later): (cores, reserved millicores); memory in MB.
RESERVED = ((1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740))
KUBELET_MB, MB_A_POD, EVICTED_BELOW_MIB = 50, 20, 100
# Azure Machine Learning, extension reference: resource requests of its pods for inference.
ROUTER: Pod = (900, 800)
ROUTERS = 3
SINGLE: tuple[Pod, ...] = (
    (10, 20), (100, 128), (100, 512), (10, 32), (50, 256), (100, 128), (200, 200), (200, 200),
    (100, 64),
)  # fmt: skip
ON_EACH_NODE: Pod = (10, 100)


def room(s: Situation) -> Iterator[Finding]:
    """More instances than fit into what AKS and the extension leave of the nodes."""
    serving = s.recipe.serving
    nodes, pod = _nodes(s), pod_of(serving)
    if not nodes or pod is None or _fit(nodes, pod, serving.instances):
        return
    fitting = _most(nodes, pod, serving.instances)
    free = max(nodes)
    yield Finding(
        "pods-without-node",
        "error",
        FIELDS,
        _n(
            "{instances} instances with {cpu} CPU and {memory} each do not fit on {n} node; {fitting} would.",
            "{instances} instances with {cpu} CPU and {memory} each do not fit on {n} nodes; {fitting} would.",
            len(nodes),
            instances=serving.instances,
            cpu=serving.cpu,
            memory=serving.memory,
            fitting=fitting,
        ),
        why=_(
            "Of a node, {cpu:.2f} CPU and {memory:.1f} GiB are available to pods, and the Machine "
            "Learning extension uses some of that. Instances that do not fit stay pending.",
            cpu=free[0] / 1000,
            memory=free[1] / 1024,
        ),
        fix=_(
            "Set {field} to {fitting}, or use more or larger nodes.",
            field=title("serving.instances"),
            fitting=fitting,
        )
        if fitting
        else _("Use larger nodes, or less CPU and memory per instance."),
        cure={"serving.instances": fitting} if fitting else {},
        command=s.replaying({"serving.instances": fitting or "NUMBER"}),
    )


def pod_of(serving: Serving) -> Pod | None:
    """The resource requests of an instance; None if they violate rule K8S-1."""
    cpu, memory = str(serving.cpu), str(serving.memory)
    units = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}
    try:
        cores = float(cpu[:-1]) if cpu.endswith("m") else 1000 * float(cpu)
        return cores, float(memory[:-2]) * units[memory[-2:]]
    except (ValueError, KeyError):
        return None


def allocatable(vcpus: int, memory: float, max_pods: int) -> Pod:
    """The millicores and MiB available to pods on a node. `memory` is in GiB."""
    reserved = max((m for cores, m in RESERVED if cores <= vcpus), default=0)
    kubelet = (KUBELET_MB + MB_A_POD * max_pods) * 10**6 / 2**20
    kept = min(kubelet, memory * 1024 / 4) + EVICTED_BELOW_MIB
    return 1000 * vcpus - reserved - ON_EACH_NODE[0], memory * 1024 - kept - ON_EACH_NODE[1]


def _nodes(s: Situation) -> list[Pod]:
    """What each node has for pods: of the existing cluster, or else of the recipe. Empty if a VM
    size is not known."""
    serving = s.recipe.serving
    most = serving.max_nodes or serving.nodes  # an autoscaler adds nodes for pending pods
    wanted = {"vmSize": serving.node_size, "count": most, "maxPods": serving.max_pods}
    pools: list[Document] = [wanted]
    if s.facts.cluster is not None:
        there = s.facts.cluster["properties"].get("agentPoolProfiles") or []
        # A run changes only the node count of our own pool.
        pools = [p | {"count": most} if p.get("name") == POOL else p for p in there]
    found: list[Pod] = []
    for pool in pools:
        machine = size(s, str(pool.get("vmSize")))
        if machine is None or not machine.memory:
            return []
        max_pods = int(pool.get("maxPods") or serving.max_pods)
        node = allocatable(machine.vcpus, machine.memory, max_pods)
        found += [node] * int(pool.get("count") or 0)
    return found


def _fit(nodes: Sequence[Pod], pod: Pod, instances: int) -> bool:
    """Whether all pods fit: places the largest pod first, each on the node with the most left."""
    routers = ROUTERS if len(nodes) >= ROUTERS else 1
    left = list(nodes)
    for cpu, memory in sorted([*[ROUTER] * routers, *SINGLE, *[pod] * instances], reverse=True):
        fits = [n for n, node in enumerate(left) if node[0] >= cpu and node[1] >= memory]
        if not fits:
            return False
        best = max(fits, key=lambda n: left[n])
        left[best] = left[best][0] - cpu, left[best][1] - memory
    return True


def _most(nodes: Sequence[Pod], pod: Pod, below: int) -> int:
    return next((n for n in range(below - 1, 0, -1) if _fit(nodes, pod, n)), 0)
