"""What a report takes from the journals of a recipe's runs: how long the steps took, and how well
the model fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from amlwizard.lineage import lineage
from amlwizard.payloads import CellFinished
from amlwizard.plan.outputs import TRAIN
from amlwizard.recorded_run import view_of
from amlwizard.view import RunView, StepView


@dataclass(frozen=True, slots=True)
class Timing:
    """`started` is in seconds since the start of the run; `seconds` is the duration."""

    step: str
    title: str
    phase: str
    started: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Fit:
    """The target values of the test rows, and the model's predictions for them."""

    actual: tuple[float, ...]
    predicted: tuple[float, ...]

    @property
    def mse(self) -> float:
        pairs = zip(self.actual, self.predicted, strict=True)
        return fmean((actual - predicted) ** 2 for actual, predicted in pairs)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """`run` is the id of the run that the timings are from, `lineage` that of the model."""

    run: str = ""
    timings: tuple[Timing, ...] = ()
    fit: Fit | None = None
    lineage: tuple[tuple[str, str], ...] = ()


def recorded(journals: Iterable[Path], target: str) -> RunRecord:
    """The newest run that built something, the newest training, and the way of the model in the
    newest run that has one; `journals` must be newest first. Those of another target, and those that cannot be read, are skipped."""
    timings: RunRecord | None = None
    fit: Fit | None = None
    way: tuple[tuple[str, str], ...] = ()
    for path in journals:
        view = view_of(path)
        if view is None or view.target != target:
            continue
        if timings is None and any(_built(step) for step in view.steps.values()):
            timings = RunRecord(view.run, tuple(_timings(view)))
        fit, way = fit or _fit(view), way or tuple(lineage(view))
        if timings and fit:
            break
    return replace(timings or RunRecord(), fit=fit, lineage=way)


def _built(step: StepView) -> bool:
    return step.info.phase == "provision" and step.seconds > 0


def _timings(view: RunView) -> Iterable[Timing]:
    worked = [step for step in view.steps.values() if step.seconds > 0]
    for step in sorted(worked, key=lambda step: (step.started, step.info.id)):
        yield Timing(
            step.info.id,
            step.info.title,
            step.info.phase,
            step.started - view.started,
            step.seconds,
        )


def _fit(view: RunView) -> Fit | None:
    trained = view.steps.get(TRAIN.id)
    for progress in reversed(trained.log if trained else ()):
        cell = progress.payload(CellFinished)
        result = (cell and cell.result) or {}
        if result.get("actual") and len(result["actual"]) == len(result.get("predicted") or ()):
            return Fit(tuple(map(float, result["actual"])), tuple(map(float, result["predicted"])))
    return None
