"""How long steps take, and what is left: against brute force, and from recorded journals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES, ROOT, Sandboxes, recipe_of

from amlwizard import durations
from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.events import Event, RunStarted, StepFinished, StepInfo, StepStarted
from amlwizard.journal import NAME, Journal
from amlwizard.plan import Plan, PlannedStep, graph, outline
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
def test_a_run_takes_as_long_as_its_longest_path(given: Graph) -> None:
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
    assert durations.left(running, seconds, 172) > 5, "steps that are late make the rest late"
    ended = view_of(after, dict.fromkeys(after, 100), dict.fromkeys(after, 130))
    assert durations.left(ended, seconds, 140) == 0


def test_the_rest_is_expected_at_the_pace_that_the_run_has_shown() -> None:
    after: After = {"a": (), "b": ("a",), "c": ("b",)}
    seconds = {"a": 60.0, "b": 60.0, "c": 60.0}
    assert durations.left(view_of(after, {}, {}), seconds, 100) == 180
    slow = view_of(after, {"a": 100, "b": 220}, {"a": 220})
    fast = view_of(after, {"a": 100, "b": 130}, {"a": 130})
    as_told = view_of(after, {"a": 100, "b": 160}, {"a": 160})
    assert 200 < durations.left(slow, seconds, 220) < 240, "120 s at half the pace"
    assert 60 < durations.left(fast, seconds, 130) < 90, "120 s at twice the pace"
    assert durations.left(as_told, seconds, 160) == pytest.approx(120)


def test_how_long_a_user_takes_to_sign_in_says_nothing_about_steps() -> None:
    infos = (StepInfo("sign-in", "", "sign-in"), StepInfo("a", "", "provision", ("sign-in",)))
    view = RunView().apply(RunStarted(at=0, run="r", recipe="x", target="azure", steps=infos))
    view = view.apply(StepStarted(at=0, step="sign-in", action="run"))
    view = view.apply(StepFinished(at=900, step="sign-in", outcome="done"))
    assert durations.left(view, {"sign-in": 30, "a": 60}, 900) == 60


def test_a_run_that_goes_on_waits_for_nothing_that_was_kept() -> None:
    """Only steps after those that are made again take their time."""
    after: After = {
        "vnet": (),
        "storage": (),
        "aks": ("vnet",),
        "compute": ("aks",),
        "blob": ("storage",),
    }
    seconds = dict.fromkeys(after, 60.0)
    view = view_of(after, {}, {})
    for step in ("vnet", "storage"):
        view = view.apply(StepFinished(at=101, step=step, outcome="kept"))
    assert durations.left(view, seconds, 101) == 0, "as far as is known"
    view = view.apply(StepStarted(at=102, step="aks", action="create"))
    assert durations.left(view, seconds, 102) == 120
    assert durations.learned(view, seconds, 102)["blob"] == 0


def test_a_late_step_shows_no_time_that_is_over() -> None:
    step = view_of({"a": ()}, {"a": 100}, {}).steps["a"]
    assert durations.spent(step, {"a": 6}, 103) == "0:03 of ~6.0 s"
    assert durations.spent(step, {"a": 6}, 110) == "0:10"


@given(graphs(), st.data())
def test_time_that_passes_brings_the_end_nearer(given: Graph, data: st.DataObject) -> None:
    after, seconds = given
    ids = sorted(after)
    finished = [s for s in ids if data.draw(st.booleans()) and set(after[s]) <= set(ids)]
    finished = [s for s in finished if set(after[s]) <= set(finished)]
    view = view_of(after, dict.fromkeys(finished, 100.0), dict.fromkeys(finished, 101.0))
    early, late = (durations.left(view, seconds, now) for now in (110, 120))
    assert early >= late >= 0


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


def test_the_readme_says_what_the_estimate_says() -> None:
    steps = steps_for(recipe_of("quickstart"))
    plan, ids = outline(steps), [step.id for step in steps]
    azure = durations.of_plan(plan, durations.expected(ids, {}, durations.typical))
    here = {step: durations.sandboxed(step, 60) for step in ids}
    readme = (ROOT / "README.md").read_text()
    assert f"It takes about {round(azure / 60)} minutes" in readme
    assert "in about a minute" in readme and round(durations.of_plan(plan, here) / 60) == 1


# -- from journals


def record(
    home: Path, run: str, target: str, seconds: float, action: str = "create", kind: str = "runs"
) -> None:
    folder = home / kind / run
    journal = Journal(folder / NAME)
    phase = "remove" if kind == "teardowns" else "provision"
    info = StepInfo("vnet", "Virtual network", phase)
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


def going(*steps: str) -> Plan:
    removed = [PlannedStep(step, step, "remove", ("sign-in",), "delete") for step in steps]
    absent = PlannedStep("registry", "Registry", "remove", ("sign-in",), "keep")
    return Plan(
        "azure", (PlannedStep("sign-in", "Sign in", "sign-in", (), "run"), absent, *removed)
    )


def test_a_teardown_takes_as_long_as_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandboxes
) -> None:
    """Nothing is told of one that removes what none of them removed."""
    for number, seconds in enumerate([40, 90, 50], 1):
        record(tmp_path, f"2026010{number}", "azure", seconds, "delete", "teardowns")
    record(tmp_path, "20260104", "sandbox", 1, "delete", "teardowns")
    record(tmp_path, "20260105", "azure", 7)
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    monkeypatch.setenv("AMLWIZARD_SANDBOX", str(sandbox("--clock", "instant").file))
    with Application(Choice()) as application:
        with application.using("azure"):
            assert application.expected_teardown(going("vnet")) == {"vnet": 50}
            assert application.expected_teardown(going("vnet", "aks")) == {}
        with application.using("sandbox"):
            assert application.expected_teardown(going("vnet")) == {"vnet": 1}


def test_a_teardown_has_a_pace_too() -> None:
    infos = tuple(StepInfo(name, name, "remove") for name in ("a", "b"))
    view = RunView().apply(RunStarted(at=100, run="r", recipe="x", target="azure", steps=infos))
    view = view.apply(StepStarted(at=100, step="a", action="delete"))
    view = view.apply(StepFinished(at=220, step="a", outcome="done"))
    assert 100 < durations.left(view, {"a": 60, "b": 60}, 220) < 120, "60 s at half the pace"


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
