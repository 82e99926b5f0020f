"""The graph of steps: an order that works, the waves of what can go side by side, and the path that
decides how long the whole takes. A graph maps each step to the steps that it comes after."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

Graph = Mapping[str, Collection[str]]


def order(after: Graph) -> list[str]:
    """The steps, each after all that it comes after. Raises ValueError as `waves` does."""
    return [step for wave in waves(after) for step in wave]


def waves(after: Graph) -> Iterator[list[str]]:
    """The steps in groups, each group as soon as all that it comes after is in earlier ones; within
    a group in the order of the graph.

    Raises ValueError with the path of a cycle, or the name of a predecessor that is not in the graph.
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
    """The length of the longest path: what the whole takes when nothing waits without need."""
    return max(ends(after, seconds).values(), default=0.0)


def ends(after: Graph, seconds: Mapping[str, float]) -> dict[str, float]:
    """When each step ends if each begins as soon as what it comes after has ended. ValueError as
    for `waves`."""
    ended: dict[str, float] = {}
    for step in order(after):
        begins = max((ended[name] for name in after[step]), default=0.0)
        ended[step] = begins + seconds.get(step, 0.0)
    return ended


def critical(after: Graph, ended: Mapping[str, float]) -> list[str]:
    """The chain that decides when the whole is over: the step that ends last, and before each the
    one that it waited for longest."""
    chain: list[str] = []
    step = max(ended, key=lambda name: ended[name], default=None)
    while step is not None:
        chain.append(step)
        before = [name for name in after.get(step, ()) if name in ended]
        step = max(before, key=lambda name: ended[name], default=None)
    return chain[::-1]
