"""The dependency graph of steps: a valid order, the waves that can run in parallel, and the
critical path. A graph maps each step to its predecessors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

Graph = Mapping[str, Collection[str]]


def order(after: Graph) -> list[str]:
    """The steps, each after its predecessors. Raises ValueError as `waves` does."""
    return [step for wave in waves(after) for step in wave]


def waves(after: Graph) -> Iterator[list[str]]:
    """The steps in groups; each step is in the first group after those of its predecessors. Within
    a group they have the order of the graph.

    Raises ValueError with the path of a cycle, or the name of a predecessor that is not in the
    graph.
    """
    for step, names in after.items():
        for name in names:
            if name not in after:
                raise ValueError(f"{step} comes after {name}, and there is no step {name}")
    sorter = TopologicalSorter(after)
    try:
        sorter.prepare()
    except CycleError as error:
        path = " -> ".join(error.args[1])
        raise ValueError(f"steps wait for each other in a cycle: {path}") from None
    place = {step: number for number, step in enumerate(after)}
    while sorter.is_active():
        wave = sorted(sorter.get_ready(), key=place.__getitem__)
        yield wave
        sorter.done(*wave)


def within(after: Graph) -> dict[str, list[str]]:
    """The graph without edges to steps that are not in it."""
    return {step: [name for name in names if name in after] for step, names in after.items()}


def longest(after: Graph, seconds: Mapping[str, float]) -> float:
    """The length of the longest path in seconds: the total duration with unlimited parallelism."""
    return max(ends(after, seconds).values(), default=0.0)


def ends(after: Graph, seconds: Mapping[str, float]) -> dict[str, float]:
    """When each step ends, in seconds, if each starts as soon as its predecessors have ended.
    Raises ValueError as `waves` does."""
    ended: dict[str, float] = {}
    for step in order(after):
        begins = max((ended[name] for name in after[step]), default=0.0)
        ended[step] = begins + seconds.get(step, 0.0)
    return ended


def critical(after: Graph, ended: Mapping[str, float]) -> list[str]:
    """The critical path: the step that ends last, and before each step the predecessor that ended
    last."""
    chain: list[str] = []
    step = max(ended, key=lambda name: ended[name], default=None)
    while step is not None:
        chain.append(step)
        before = [name for name in after.get(step, ()) if name in ended]
        step = max(before, key=lambda name: ended[name], default=None)
    return chain[::-1]
