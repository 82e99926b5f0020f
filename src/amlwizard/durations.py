"""How long steps take, and when a run will end.

Durations come from the journals of this user's own runs, otherwise from known Azure values (medians
of recorded exchanges and of public Terraform logs, and documentation). The time left is the longest
path through the graph of what is still to be done, at the pace that the run has shown so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from amlwizard import journal
from amlwizard.language import _
from amlwizard.plan import Plan, graph
from amlwizard.recorded_run import view_of
from amlwizard.time_format import clock, span
from amlwizard.view import RunView, StepView

NEWEST_SAMPLES = 5
"""Few, so that a change of region, size or clock takes effect after some runs."""
MEASURED = ("create", "run")
"""The actions whose duration tells how long the step takes."""
REMOVED = ("delete",)
"""Those whose duration tells how long its removal takes."""
PRIOR = 0.1
"""The weight of the expected durations against the measured ones, as a share of all of them."""

AZURE: Mapping[str, float] = {
    "sign-in": 30, "preflight": 8, "providers": 90, "resource-group": 1, "log-analytics": 1,
    "application-insights": 2, "storage": 26, "key-vault": 7, "registry": 10, "nsg": 3,
    "public-ip": 2, "nat-gateway": 12, "vnet": 10, "workspace": 21, "build-compute": 30,
    "dns-zone": 31, "dns-link": 48, "private-endpoint": 32, "zone-group": 2, "databricks": 171,
    "aks-identity": 1, "aks-role": 60, "aks": 297, "aks-extension": 428, "kubernetes-compute": 55,
    "workspace-blob-data": 60, "workspace-file-data": 60,
    "build-compute-acr-pull": 60, "build-compute-acr-push": 60,
    "kubernetes-compute-acr-pull": 60, "kubernetes-compute-blob-reader": 60,
    "databricks-cluster": 285, "cluster-libraries": 50, "train": 40, "check-training": 0, "fit-to-serve": 110,
    "register": 15, "scoring-files": 15, "scoring-code": 1, "scoring-environment": 6, "endpoint": 28, "endpoint-acr-pull": 60, "endpoint-blob-reader": 60,
    "rollout": 0, "deployment": 480, "traffic": 12, "score": 2,
    "entry-ip": 2, "bastion": 474, "vpn-gateway": 1172, "verify": 20,
}  # fmt: skip
"""Seconds, p50, by step id up to its dot. Those of ARM resources are what Microsoft's own projects
recorded from 2021 to 2026; a deployment also builds its image. A rollout has nothing to do the first
time."""

WORK: Mapping[str, float] = {
    "train": 15,
    "fit-to-serve": 8,
    "register": 1,
    "scoring-files": 1,
    "deployment": 9,
    "verify": 1,
}
"""Seconds of computing that no faster clock shortens: running cells and loading a model."""

REQUESTS = 0.3
"""Seconds that the requests of a step take in the sandbox, however fast its clock."""

UNKNOWN = 20.0


def typical(step: str) -> float:
    """Seconds that a step of that id takes on Azure."""
    return AZURE.get(step.partition(".")[0], UNKNOWN)


def sandboxed(step: str, speed: float | None) -> float:
    """Seconds that a step takes in the sandbox, which divides Azure's by `speed`; None: it does not
    wait."""
    waiting = typical(step) / speed if speed else 0.0
    return max(waiting, WORK.get(step, REQUESTS))


def expected(
    steps: Iterable[str], samples: Mapping[str, Sequence[float]], profile: Callable[[str], float]
) -> dict[str, float]:
    """Seconds by step id: the median of its samples, otherwise the value of `profile`."""
    return {step: median(samples[step]) if samples.get(step) else profile(step) for step in steps}


def recorded(runs: Path, target: str) -> dict[str, list[float]]:
    """Seconds by step id in the newest runs (or teardowns) on that target, newest first. Journals that cannot be
    read are skipped."""
    samples: dict[str, list[float]] = {}
    for path in journal.newest(runs):
        view = view_of(path)
        if view is None or view.target != target:
            continue
        for step in view.steps.values():
            if step.state == "done" and _is_measured(step):
                samples.setdefault(step.info.id, []).append(step.seconds)
    return {step: seconds[:NEWEST_SAMPLES] for step, seconds in samples.items()}


def of_teardown(plan: Plan, samples: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Seconds by step id: the median of its samples; empty if one that takes time has none, as then no
    end can be told."""
    going = [step.id for step in plan.steps if step.action in ("delete", "wait")]
    if not all(samples.get(step) for step in going):
        return {}
    return {step: median(samples[step]) for step in going}


def of_plan(plan: Plan, seconds: Mapping[str, float]) -> float:
    """Seconds that a run of the plan will take; kept steps take none."""
    after = {step.id: step.after for step in plan.steps}
    todo = {s.id: seconds.get(s.id, 0.0) for s in plan.steps if s.action != "keep"}
    return graph.longest(graph.within(after), todo)


def left(view: RunView, seconds: Mapping[str, float], now: float) -> float:
    """Seconds until the run ends, as estimated at `now`; 0 once it has ended."""
    if view.exit_code is not None:
        return 0.0
    adjusted = learned(view, seconds, now)
    to_do = {name: to_go(step, adjusted, now) for name, step in view.steps.items()}
    return graph.longest(_graph(view), to_do)


def to_go(step: StepView, seconds: Mapping[str, float], now: float) -> float:
    """Seconds that a step still needs; 0 for one that is over its time and may end at any
    moment."""
    wanted = seconds.get(step.info.id, 0.0)
    if step.state == "waiting":
        return wanted
    return max(0.0, wanted - (now - step.started)) if step.state == "running" else 0.0


def spent(step: StepView, seconds: Mapping[str, float], now: float) -> str:
    """How long a step took, or has been running; and, as long as that is less, how long it is
    expected to take."""
    if step.state != "running":
        return span(step.seconds) if step.seconds else ""
    passed = max(0.0, now - step.started)
    wanted = seconds.get(step.info.id, 0.0)
    if wanted < max(1.0, passed):
        return clock(passed)
    return _("{passed} of ~{expected}", passed=clock(passed), expected=span(wanted))


def learned(view: RunView, seconds: Mapping[str, float], now: float) -> dict[str, float]:
    """`seconds`, adjusted by what this run has shown so far: all are scaled by its pace, and steps
    that will probably be kept take none."""
    pace = _pace(view, seconds, now)
    kept = _probably_kept(view)
    return {name: 0.0 if name in kept else wanted * pace for name, wanted in seconds.items()}


def _pace(view: RunView, seconds: Mapping[str, float], now: float) -> float:
    """How many times longer than expected the steps of this run take. The fewer of them have shown
    it, the closer it is to 1. How long a user takes to sign in says nothing."""
    certain = PRIOR * sum(seconds.values())
    took = wanted = 0.0
    for name, step in view.steps.items():
        expected_seconds = seconds.get(name, 0.0)
        passed = now - step.started if step.state == "running" else step.seconds
        over = step.state == "done" or passed > expected_seconds
        if step.started and over and _is_measured(step) and step.info.phase != "sign-in":
            took, wanted = took + passed, wanted + expected_seconds
    return (certain + took) / (certain + wanted) if certain else 1.0


def _is_measured(step: StepView) -> bool:
    return step.action in (REMOVED if step.info.phase == "remove" else MEASURED)


def _probably_kept(view: RunView) -> set[str]:
    """The steps that wait, once some were kept, only for steps that were or probably will be."""
    if not any(step.state == "kept" for step in view.steps.values()):
        return set()
    kept: set[str] = set()
    after = _graph(view)
    for name in graph.order(after):
        step = view.steps[name]
        before = [n for n in after[name] if view.steps[n].info.phase != "sign-in"]
        if (
            step.state == "waiting"
            and before
            and all(n in kept or view.steps[n].state == "kept" for n in before)
        ):
            kept.add(name)
    return kept


def _graph(view: RunView) -> dict[str, list[str]]:
    return graph.within({name: step.info.after for name, step in view.steps.items()})
