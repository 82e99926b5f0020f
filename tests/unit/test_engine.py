"""The walk of the graph, with steps that touch no cloud."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import PATIENCE

from amlwizard import engine
from amlwizard.errors import CloudError, InvalidInputError, SignInError
from amlwizard.events import Event, StepFinished, StepProgress, StepStarted
from amlwizard.plan import Context, Found, Step, in_order, until
from amlwizard.plan.outputs import SIGN_IN, ResourceOutput, SignedIn, StepRef
from amlwizard.run_control import RunControl

SIGNED_IN = SignedIn("me", "t", "s", "name").to_json()
NOTHING: Any = None  # these steps look at no recipe and at no cloud
JOB = engine.Job(NOTHING, "recipe.yaml", NOTHING, "nowhere")


def step(
    name: str,
    *after: str,
    apply: Callable[..., Any] | None = None,
    read: Callable[[Context], Found | None] | None = None,
    **more: Any,
) -> Step:
    more.setdefault("phase", "provision")
    return Step(
        id=name,
        title=name,
        after=after,
        read=read or (lambda ctx: None),
        apply=apply or (lambda ctx, say: {"name": name}),
        **more,
    )


def walk(*steps: Step, **options: Any) -> tuple[int, dict[str, StepFinished], list[Event]]:
    events: list[Event] = []
    code = engine.run(steps, JOB, events.append, **options)
    final = {e.step: e for e in events if isinstance(e, StepFinished)}
    assert len(final) == len(steps), "every step has one final word"
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    return code, final, events


def fails(error: Exception) -> Callable[..., Any]:
    def apply(ctx: Context, say: Any) -> Any:
        raise error

    return apply


def test_outputs_reach_what_comes_after() -> None:
    def apply(ctx: Context, say: Any) -> Any:
        return {"got": ctx.resolve("{a.name}/x")}

    code, final, _ = walk(step("b", "a", apply=apply), step("a"))
    assert code == 0 and final["b"].outputs == {"got": "a/x"}


def test_independent_steps_overlap() -> None:
    meet = Barrier(2, timeout=PATIENCE)

    def apply(ctx: Context, say: Any) -> Any:
        meet.wait()
        return {}

    assert walk(step("a", apply=apply), step("b", apply=apply))[0] == 0


def test_consequences_name_the_root_and_the_rest_goes_on() -> None:
    code, final, _ = walk(
        step("a", apply=fails(CloudError("no", code="Refused", why="because", fix="do"))),
        step("b", "a"),
        step("c", "b"),
        step("d"),
    )
    assert code == 1
    assert (final["a"].outcome, final["a"].code, final["a"].why) == ("failed", "Refused", "because")
    assert [(final[s].outcome, final[s].because) for s in "bc"] == [("blocked", "a")] * 2
    assert final["d"].outcome == "done"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SignInError("no"), 3),
        (InvalidInputError("no"), 2),
        (CloudError("no"), 1),
        (KeyError("x"), 1),
    ],
)
def test_exit_codes_follow_from_what_failed(error: Exception, code: int) -> None:
    assert walk(step("a", apply=fails(error)))[0] == code


def test_what_is_as_wanted_is_kept_and_never_starts() -> None:
    ready = lambda ctx: Found("ready", {"id": 7})  # noqa: E731
    code, final, events = walk(step("a", read=ready), step("b", "a"))
    assert (code, final["a"].outcome, final["a"].outputs) == (0, "kept", {"id": 7})
    assert [e.step for e in events if isinstance(e, StepStarted)] == ["b"]


def test_rerun_does_work_again_but_makes_nothing_anew() -> None:
    ready = lambda ctx: Found("ready")  # noqa: E731
    steps = (
        step("thing", read=ready, phase="train"),
        step("work", read=ready, phase="train", runs=True),
    )
    final = walk(*steps, rerun=["train"])[1]
    assert (final["thing"].outcome, final["work"].outcome) == ("kept", "done")


def test_cancelling_stops_what_has_not_begun() -> None:
    control = RunControl()

    def apply(ctx: Context, say: Any) -> Any:
        control.cancel()
        return {}

    code, final, _ = walk(step("a", apply=apply), step("b", "a"), step("c", "b"), control=control)
    assert code == 130
    assert [final[s].outcome for s in "abc"] == ["done", "cancelled", "cancelled"]


def test_cancelled_when_all_is_done_it_was_cancelled_still() -> None:
    """Whoever sent the signal was told so, and the step may have tidied up less than it would have."""
    control = RunControl()

    def apply(ctx: Context, say: Any) -> Any:
        control.cancel()
        return {}

    code, final, _ = walk(step("a", apply=apply), control=control)
    assert (code, final["a"].outcome) == (130, "done")


def test_cancelled_after_a_failure_it_was_cancelled() -> None:
    """Of what has failed the user is told; the exit code says who ended the run."""
    control = RunControl()

    def apply(ctx: Context, say: Any) -> Any:
        control.cancel()
        raise CloudError("It broke.")

    code, final, _ = walk(step("a", apply=apply), step("b"), control=control)
    assert (code, final["a"].outcome) == (130, "failed")


def test_while_held_no_step_starts_and_what_runs_goes_on() -> None:
    control, running, go_on = RunControl(), CancelEvent(), CancelEvent()
    started: list[str] = []

    def first(ctx: Context, say: Any) -> Any:
        running.set()
        assert go_on.wait(PATIENCE)
        return {}

    def emit(event: Event) -> None:
        if isinstance(event, StepStarted):
            started.append(event.step)
        if isinstance(event, StepFinished) and event.step == "a":
            a_ended.set()

    a_ended = CancelEvent()
    steps = (step("a", apply=first), step("b", "a"))
    thread = Thread(target=engine.run, args=(steps, JOB, emit), kwargs={"control": control})
    thread.start()
    assert running.wait(PATIENCE)
    control.pause()
    go_on.set()
    assert a_ended.wait(PATIENCE)
    assert started == ["a"]
    control.resume()
    thread.join(PATIENCE)
    assert started == ["a", "b"]


def test_cancelling_ends_a_held_run() -> None:
    control = RunControl()
    control.pause()
    thread = Thread(
        target=engine.run, args=((step("a"),), JOB, lambda event: None), kwargs={"control": control}
    )
    thread.start()
    control.cancel()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_survey_applies_nothing_but_the_sign_in() -> None:
    applied = []

    def apply(ctx: Context, say: Any) -> Any:
        applied.append(1)
        return SIGNED_IN

    def needs_a_document(ctx: Context) -> Found | None:
        ctx.resolve("{thing.id}")
        return Found("ready")

    def needs_an_output(ctx: Context) -> Found | None:
        return Found("ready", {"id": ctx.outputs[StepRef("thing", ResourceOutput)].id})

    plan = engine.survey(
        [
            step("sign-in", phase="sign-in", runs=True, apply=apply),
            step("thing", "sign-in", apply=apply),
            step("other", "thing", apply=apply, read=needs_a_document),
            step("another", "thing", apply=apply, read=needs_an_output),
        ],
        JOB,
        lambda event: None,
    )
    assert [(s.id, s.action) for s in plan.steps] == [
        ("sign-in", "run"), ("thing", "create"), ("other", "create"),
        ("another", "create"),
    ]  # fmt: skip
    assert len(applied) == 1


def test_a_cycle_is_named_with_its_path_and_a_loose_end_by_its_name() -> None:
    with pytest.raises(ValueError, match=r"a -> b -> a|b -> a -> b"):
        in_order([step("a", "b"), step("b", "a"), step("c", "a")])
    with pytest.raises(ValueError, match="a comes after nowhere, and there is no step nowhere"):
        in_order([step("a", "nowhere")])


def test_a_bug_in_reading_is_not_taken_for_something_to_create() -> None:
    """A document shaped otherwise than thought is an error; only an output that is not there yet means
    that the step's own thing cannot be there either."""

    def read(ctx: Context) -> Found | None:
        return Found(ctx.outputs[SIGN_IN].to_json()["nowhere"])

    signing_in = step("sign-in", phase="sign-in", runs=True, apply=lambda ctx, say: SIGNED_IN)
    with pytest.raises(CloudError, match="nowhere"):
        engine.survey([signing_in, step("a", "sign-in", read=read)], JOB, lambda event: None)


def test_a_slow_listener_holds_up_no_other_step() -> None:
    slow, done = CancelEvent(), CancelEvent()
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if isinstance(event, StepProgress) and event.step == "a":
            slow.set()
            assert done.wait(PATIENCE), "b waited for who listened to a"

    def a(ctx: Context, say: Any) -> Any:
        say("slow to be heard")
        return {}

    def b(ctx: Context, say: Any) -> Any:
        assert slow.wait(PATIENCE)
        say("said while a is listened to")
        done.set()
        return {}

    assert engine.run([step("a", apply=a), step("b", apply=b)], JOB, listen) == 0
    assert [event.seq for event in heard] == list(range(1, len(heard) + 1))


def test_a_listener_that_fails_ends_what_still_runs() -> None:
    """A full disk under the journal is told at once, not when AKS is there."""
    waiting = CancelEvent()

    def listen(event: Event) -> None:
        if isinstance(event, StepFinished):
            raise OSError("no room")

    def quick(ctx: Context, say: Any) -> Any:
        assert waiting.wait(PATIENCE)
        return {}

    def slow(ctx: Context, say: Any) -> Any:
        waiting.set()
        assert ctx.cancel.wait(PATIENCE)
        return {}

    with pytest.raises(OSError, match="no room"):
        engine.run([step("a", apply=quick), step("b", apply=slow)], JOB, listen)


def test_until_takes_a_phase_and_what_comes_before() -> None:
    steps = [step("a"), step("b", phase="train"), step("c", phase="score")]
    assert [s.id for s in until(steps, "train")] == ["a", "b"]
