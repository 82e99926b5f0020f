"""How long steps take, and what is left: against brute force, and from recorded journals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES, Sandboxes, recipe_of

from amlwizard import durations
from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.events import Event, RunStarted, StepFinished, StepInfo, StepStarted
from amlwizard.journal import NAME, Journal
from amlwizard.plan import Plan, PlannedStep, graph
from amlwizard.steps import steps_for
from amlwizard.view import RunView

After = dict[str, tuple[str, ...]]
Graph = tuple[After, dict[str, float]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Steps that come after earlier ones only, in a shuffled mapping, and their seconds."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 9)))]
    after: After = {}
    for number, name in enumerate(names):
        after[name] = tuple(n for n in names[:number] if draw(st.booleans()))
    seconds = {name: float(draw(st.integers(0, 50))) for name in names}
    return {name: after[name] for name in draw(st.permutations(names))}, seconds


def paths(after: After, step: str) -> Iterator[tuple[str, ...]]:
    """Every way to a step, from a step that waits for nothing."""
    if not after[step]:
        yield (step,)
    for name in after[step]:
        for path in paths(after, name):
            yield (*path, step)


def weight(path: Sequence[str], seconds: Mapping[str, float]) -> float:
    return sum(seconds[step] for step in path)


@given(graphs())
def test_the_whole_takes_as_long_as_its_longest_path(given: Graph) -> None:
    after, seconds = given
    brute = max(weight(path, seconds) for step in after for path in paths(after, step))
    assert graph.longest(after, seconds) == brute


@given(graphs())
def test_the_critical_path_is_a_longest_one(given: Graph) -> None:
    after, seconds = given
    chain = graph.critical(after, graph.ends(after, seconds))
    assert weight(chain, seconds) == graph.longest(after, seconds)
    assert not after[chain[0]] and all(a in after[b] for a, b in pairwise(chain))


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError):
        graph.longest({"a": ("b",), "b": ("a",)}, {})


def view_of(after: After, started: Mapping[str, float], finished: Mapping[str, float]) -> RunView:
    """A run in which those steps started, and of them those finished, at the given times."""
    infos = tuple(StepInfo(name, name, "provision", tuple(names)) for name, names in after.items())
    view = RunView().apply(RunStarted(at=100, run="r", recipe="x", target="sandbox", steps=infos))
    events: list[Event] = [StepStarted(at=at, step=s, action="create") for s, at in started.items()]
    events += [StepFinished(at=at, step=s, outcome="done") for s, at in finished.items()]
    for event in sorted(events, key=lambda e: e.at):
        view = view.apply(event)
    return view


def test_what_is_left_is_the_longest_path_of_what_has_not_run() -> None:
    after: After = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    seconds = {"a": 10, "b": 20, "c": 50, "d": 5}
    assert durations.left(view_of(after, {}, {}), seconds, 100) == 65
    running = view_of(after, {"a": 100, "b": 110, "c": 112}, {"a": 110})
    assert durations.left(running, seconds, 122) == 45
    assert durations.left(running, seconds, 500) == 5, "a late step may end at any moment"
    ended = view_of(after, dict.fromkeys(after, 100), dict.fromkeys(after, 130))
    assert durations.left(ended, seconds, 140) == 0


@given(graphs(), st.data())
def test_time_that_passes_brings_the_end_nearer(given: Graph, data: st.DataObject) -> None:
    after, seconds = given
    ids = sorted(after)
    finished = [s for s in ids if data.draw(st.booleans()) and set(after[s]) <= set(ids)]
    finished = [s for s in finished if set(after[s]) <= set(finished)]
    view = view_of(after, dict.fromkeys(finished, 100.0), dict.fromkeys(finished, 101.0))
    early, late = (durations.left(view, seconds, now) for now in (110, 120))
    assert early >= late >= 0
    assert early <= graph.longest(after, seconds)


def test_what_is_kept_takes_no_time() -> None:
    steps = (
        PlannedStep("a", "A", "provision", (), "keep"),
        PlannedStep("b", "B", "provision", ("a",), "create"),
    )
    assert durations.of_plan(Plan("azure", steps), {"a": 100, "b": 7}) == 7


@pytest.mark.parametrize("name", [path.stem for path in sorted(RECIPES.glob("*.yaml"))])
def test_every_step_has_a_known_duration(name: str) -> None:
    unknown = {s.id.partition(".")[0] for s in steps_for(recipe_of(name))} - set(durations.AZURE)
    assert not unknown, "add them to durations.AZURE"


# -- from journals


def record(home: Path, run: str, target: str, seconds: float, action: str = "create") -> None:
    folder = home / "runs" / run
    journal = Journal(folder / NAME)
    info = StepInfo("vnet", "Virtual network", "provision")
    journal(RunStarted(seq=1, at=10, run=run, recipe="x", target=target, steps=(info,)))
    journal(StepStarted(seq=2, at=20, step="vnet", action=action))
    journal(StepFinished(seq=3, at=20 + seconds, step="vnet", outcome="done"))
    journal.close()


def test_recorded_runs_of_the_same_target_come_first(tmp_path: Path) -> None:
    for number, seconds in enumerate([400, 30, 10, 20, 500, 40], 1):
        record(tmp_path, f"2026010{number}", "azure", seconds)
    record(tmp_path, "20260201", "sandbox", 1)
    record(tmp_path, "20260202", "azure", 3, action="wait")
    (tmp_path / "runs" / "20260203").mkdir()
    (tmp_path / "runs" / "20260204").mkdir()
    (tmp_path / "runs" / "20260204" / NAME).write_text("not a journal\nat all\n")
    samples = durations.recorded(tmp_path / "runs", "azure")
    assert samples == {"vnet": [40, 500, 20, 10, 30]}, "the newest, and no adopted ones"
    assert durations.expected(["vnet", "aks"], samples, durations.typical) == {
        "vnet": 30,
        "aks": 297,
    }


def test_the_application_knows_its_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandboxes
) -> None:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    monkeypatch.setenv("AMLWIZARD_SANDBOX", str(sandbox("--clock", "instant").file))
    recipe = recipe_of("quickstart")
    with Application(Choice(speed=99.0)) as application:
        with application.using("azure"):
            assert application.expected(recipe)["aks"] == 297
        with application.using("sandbox"):
            assert application.expected(recipe)["aks"] == 3
            record(tmp_path, "20260101", "sandbox", 77)
            assert application.expected(recipe)["vnet"] == 77
            application.choice = Choice(clock="instant")
            assert (
                application.expected(recipe)["aks"] < 1 < application.expected(recipe)["deployment"]
            )
