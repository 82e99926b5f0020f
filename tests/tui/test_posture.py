"""The Posture page: every promise of the recipe with its evidence, live, recalled, and judged anew."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from shutil import copy
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import RECIPES, recipe_of
from support.tui_support import (
    CLOSE,
    GOLDEN,
    REVIVAL,
    FakeBackend,
    Walk,
    at_page,
    judged,
    opened,
    recorded,
    unkept,
    walking,
    wizard,
)
from textual.app import App
from textual.widgets import Input

from amlwizard.app.application import Application
from amlwizard.app.port import RunResult
from amlwizard.app.targets import Choice
from amlwizard.draft import DraftStore, from_file
from amlwizard.errors import AmlwizardError, SignInError, StepError
from amlwizard.events import RunFinished, RunStarted, StepFinished, StepInfo, StepProgress
from amlwizard.journal import NAME, read
from amlwizard.posture import Evidence, Posture, promised
from amlwizard.tui.dialogs.login import LoginScreen
from amlwizard.tui.dialogs.questions import AskPath
from amlwizard.tui.pages import evidence
from amlwizard.tui.pages.posture import without
from amlwizard.tui.widgets.step_tree import StepTree
from amlwizard.tui.widgets.updating_static import UpdatingStatic
from amlwizard.view import RunView

pytestmark = pytest.mark.asyncio
AT_WORK = ("verify", 2)
SIZES = [(80, 24), (120, 36)]
KEPT = "✓ 26 of 26 promises kept, outside and inside"


def head(app: App[Any]) -> str:
    return str(app.screen.query_one("#verdict", UpdatingStatic).content)


def proof(app: App[Any]) -> str:
    return str(app.screen.query_one("#proof", UpdatingStatic).content)


def told(app: App[Any]) -> str:
    """What stood in toasts, however it was wrapped there."""
    return " ".join(f"{one.title} {one.message}" for one in app._notifications)


def listed(app: App[Any]) -> list[str]:
    """The promises that the page shows, by id, in order."""
    tree = app.screen.query_one(StepTree)
    return [leaf.data for area in tree.root.children for leaf in area.children]


def unjudged(posture: Posture) -> Posture:
    """As if the cluster had slept when the registry was to be called from inside."""
    why = "the cluster sleeps: `amlwizard verify` wakes it"
    piece = Evidence("inside", "request", "seen", why, "unknown")
    return replace(
        posture,
        lines=tuple(
            replace(line, outcome="unknown", evidence=(piece,), seen=f"request: {why}")
            if line.id == "endpoint.registry"
            else line
            for line in posture.lines
        ),
    )


def with_posture(posture: Posture) -> RunView:
    """The recorded run, had it come to another posture."""
    view = recorded()
    step = view.steps["verify"]
    said = replace(step.log[-1], data={"posture": posture.to_json()})
    return replace(view, steps={**view.steps, "verify": replace(step, log=(said,))})


# -- what stands there


@pytest.mark.parametrize("size", SIZES)
async def test_a_platform_as_promised(size: tuple[int, int]) -> None:
    app = at_page("posture", recorded())
    async with walking(app, size) as walk:
        await walk.see(KEPT)
        assert listed(app) == [line.id for line in judged(recorded()).lines]
        for text in ("Workspace", "1/1", "Data", "7/7", "The workspace answers nobody"):
            assert text in walk.text
        for part in app.screen.query("#verdict, #promised, #evidence, Keys"):
            assert app.screen.region.contains_region(part.region) and part.region.height
        for text in ("Outside the VNET", "request with a valid token: HTTP 403", "mlw-mlquick01"):
            assert text in " ".join(proof(app).split())
        await walk.press(*["down"] * 10)
        await walk.see("  kept")
        text = " ".join(proof(app).split())
        assert "Machine Learning workspace: reached privately kept" in text
        assert "Inside the VNET" in text and "tracking request: HTTP 200" in text


async def test_the_day_stands_there_where_it_is_another_one() -> None:
    posture = judged(recorded())
    at = time.localtime(posture.at)
    minute = time.strftime("%H:%M", at)
    assert evidence.summary(posture, posture.at).endswith(f"inside, {minute}")
    day = time.strftime("%d %b", at)
    assert evidence.summary(posture, posture.at + 86_400).endswith(f"inside, {day} {minute}")


async def test_every_line_says_where_it_is_and_by_which_document() -> None:
    for line in judged(recorded()).lines:
        told = "".join("".join(map(str, evidence.described(line, False, 78))).split())
        for text in (line.where, line.source, *(piece.what for piece in line.evidence)):
            assert text and text.replace(" ", "") in told


@pytest.mark.parametrize("size", SIZES)
async def test_a_promise_that_is_not_kept_is_shown_first_with_its_cure(
    size: tuple[int, int],
) -> None:
    app = at_page("posture", unkept(recorded()))
    async with walking(app, size) as walk:
        await walk.see("✗ 25 of 26 promises kept, 1 not kept, outside and inside")
        await walk.see("✗ The workspace answers nobody from")
        text = " ".join(proof(app).split())
        assert "Outside request with a valid token: HTTP 200, not HTTP 403" in text
        assert "Azure public network access: Enabled, not Disabled" in text
        assert f"To do {CLOSE}" in text and "✓ private endpoints of others: none" in text


async def test_only_what_is_not_kept_and_all_again() -> None:
    app = at_page("posture", unkept(recorded()))
    async with walking(app) as walk:
        await walk.see("Not kept only")
        await walk.press("o")
        await walk.see(lambda: listed(app) == ["workspace.closed"])
        await walk.see(lambda: "HTTP 200, not HTTP 403" in proof(app))
        await walk.see("All promises")
        await walk.press("o")
        await walk.see(lambda: len(listed(app)) == 26)


async def test_where_all_is_kept_there_is_nothing_to_leave_out() -> None:
    app = at_page("posture", recorded())
    async with walking(app) as walk:
        await walk.see(KEPT)
        await walk.press("o")
        await walk.pilot.pause()
        assert len(listed(app)) == 26 and "Not kept only" not in walk.text


async def test_what_could_not_be_judged_says_why() -> None:
    app = at_page("posture", with_posture(unjudged(judged(recorded()))))
    async with walking(app) as walk:
        await walk.see("? 25 of 26 promises kept, 1 not judged")
        await walk.see("? Container registry: reached privately  not judged")
        assert "the cluster sleeps: `amlwizard verify` wakes it" in " ".join(proof(app).split())


async def test_f1_says_what_the_marks_mean() -> None:
    app = at_page("posture", recorded())
    async with walking(app) as walk:
        await walk.press("f1")
        await walk.see("could not be decided")
        assert "Verify now" in walk.text


# -- during a run, and of an earlier one


async def test_the_posture_is_live_from_the_planned_checks_to_the_verdict() -> None:
    app = at_page("posture", recorded(5))
    app.running = True
    async with walking(app) as walk:
        await walk.see("26 promises  Verified at the end of the run, which waits for")
        assert listed(app) == [line.id for line in promised(recipe_of("quickstart"))]
        assert "not judged yet" in proof(app)
        for event in [e for e in read(GOLDEN) if e.at > app.view.now]:
            app.view = app.view.apply(event)
            if isinstance(event, StepProgress) and (event.step, event.data.get("cell")) == AT_WORK:
                await walk.see(event.message)
        await walk.see(KEPT)
        assert "request with a valid token: HTTP 403" in proof(app)


ENDS = [
    ({"outcome": "blocked", "because": "aks"}, "Not verified: AKS failed."),
    ({"outcome": "cancelled"}, "The run was cancelled before"),
    ({"outcome": "failed", "what": "rg-x holds no finished platform."}, "rg-x holds no finished"),
]  # fmt: skip


@pytest.mark.parametrize(("end", "text"), ENDS, ids=[end["outcome"] for end, _ in ENDS])
async def test_a_run_that_did_not_come_so_far_says_why(end: dict[str, Any], text: str) -> None:
    steps = (
        StepInfo("aks", "AKS", "provision"),
        StepInfo("verify", "Promises", "verify", ("aks",)),
    )
    view = RunView().apply(RunStarted(at=1, run="r", recipe="x", target="sandbox", steps=steps))
    assert without(view) == "Verified at the end of the run, which waits for AKS."
    view = view.apply(StepFinished(at=2, step="verify", **end))
    app = at_page("posture", view.apply(RunFinished(at=3, exit_code=1, counts={})))
    async with walking(app) as walk:
        await walk.see(text)


async def test_a_journal_without_a_verification_says_so() -> None:
    steps = (StepInfo("aks", "AKS", "provision"),)
    view = RunView().apply(RunStarted(at=1, run="r", recipe="x", target="sandbox", steps=steps))
    assert without(view) == "This run did not verify the platform. Press v to verify it now."
    other = with_posture(judged(recorded()))
    (said,) = other.steps["verify"].log
    odd = replace(said, data={"posture": {"version": 9, "lines": []}})
    changed = replace(other.steps["verify"], log=(odd,))
    assert evidence.of_run(replace(other, steps={**other.steps, "verify": changed})) is None


async def test_an_earlier_run_is_recalled_with_its_posture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the real application, from its journal; no cloud is opened."""
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    run = recorded().run
    (tmp_path / "runs" / run).mkdir(parents=True)
    copy(GOLDEN, tmp_path / "runs" / run / NAME)
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page, draft.run = "posture", run
    DraftStore(tmp_path / "sessions").save(draft)
    with Application(Choice()) as application:
        async with walking(wizard(application, folder=tmp_path / "sessions")) as walk:
            await walk.see("Continue mlquick01")
            await walk.press("enter")
            await walk.see(KEPT)


# -- verify now


async def test_a_key_verifies_the_posture_again() -> None:
    backend = FakeBackend(verdict=opened(judged(recorded())), looking=CancelEvent())
    app = at_page("posture", recorded(), backend)
    app.ran = RunResult(0, "r", Path("recipe.yaml"), Path("journal.jsonl"))
    async with walking(app) as walk:
        await walk.see(KEPT)
        await walk.press("v")
        await walk.see("◌ Verifying  cell 2 of 3")
        await walk.see("Stop verifying")
        assert backend.looking
        backend.looking.set()
        await walk.see("✗ 25 of 26 promises kept, 1 not kept")
        assert "HTTP 200, not HTTP 403" in proof(app)
        await walk.go("finish")
        await walk.see("but 1 promise is not kept:")
        await walk.press("ctrl+q")
    assert app.return_value == 1 and backend.asked == ["open sandbox", "verify"]


async def test_a_verification_can_be_stopped_and_the_earlier_posture_stays() -> None:
    backend = FakeBackend(verdict=opened(judged(recorded())), looking=CancelEvent())
    app = at_page("posture", recorded(), backend)
    async with walking(app) as walk:
        await walk.press("v")
        await walk.see("◌ Verifying")
        await walk.press("escape")
        await walk.see(KEPT)
        assert app.verified is None


async def test_a_verification_during_a_run_is_refused_with_a_notification() -> None:
    backend = FakeBackend()
    app = at_page("posture", recorded(5), backend)
    app.running = True
    async with walking(app) as walk:
        await walk.press("v")
        await walk.see("A run is in progress. It")
        assert "verify" not in backend.asked


async def test_a_run_takes_the_place_of_what_was_judged_by_hand() -> None:
    backend = FakeBackend(verdict=opened(judged(recorded())))
    app = at_page("posture", recorded(), backend)
    async with walking(app) as walk:
        await walk.press("v")
        await walk.see("1 not kept")
        app.start()
        await walk.see(lambda: app.ran)
        await walk.go("posture")
        await walk.see("This run did not verify")


@pytest.mark.parametrize(
    "error", [StepError("rg-mlquick01 holds no finished platform.", fix="Replay it.")]
)
async def test_what_went_wrong_is_said(error: AmlwizardError) -> None:
    app = at_page("posture", recorded(), FakeBackend(verdict=error))
    async with walking(app) as walk:
        await walk.press("v")
        await walk.see(lambda: "holds no finished platform" in told(app))
        await walk.see(KEPT)


# -- nobody has signed in


async def test_a_verification_asks_for_a_sign_in_and_goes_on() -> None:
    backend = FakeBackend(
        verdict=opened(judged(recorded())), looking=CancelEvent(), code="CODE12345"
    )
    app = at_page("posture", recorded(), backend)
    async with walking(app) as walk:
        await walk.press("v")
        await walk.see(lambda: isinstance(app.screen, LoginScreen))
        assert backend.looking
        backend.looking.set()
        await walk.see("1 not kept")
        assert not isinstance(app.screen, LoginScreen)


async def test_without_a_sign_in_nothing_is_judged() -> None:
    backend = FakeBackend(verdict=judged(recorded()), looking=CancelEvent(), code="CODE12345")
    app = at_page("posture", recorded(), backend)
    async with walking(app) as walk:
        await walk.press("v")
        await walk.see(lambda: isinstance(app.screen, LoginScreen))
        await walk.press("escape")
        await walk.see(lambda: "verify" not in app.busy and not isinstance(app.screen, LoginScreen))
        assert app.verified is None


async def test_a_code_that_expired_is_asked_for_anew_and_starts_no_run() -> None:
    """Also after a run, whose own sign-in is long over."""
    error = SignInError("Not signed in.", why="The device code expired.", fix="Ask for another.")
    backend = FakeBackend(verdict=error, code="CODE12345")
    app = at_page("posture", recorded(), backend)
    async with walking(app) as walk:
        await walk.press("v")
        await walk.see("The device code expired.")
        backend.verdict = judged(recorded())
        await walk.press("n")
        await walk.see(lambda: app.verified)
        assert backend.asked.count("verify") == 2 and not app.running


# -- the report


async def named(walk: Walk, path: Path) -> None:
    """Answer the question for a file."""
    await walk.see(lambda: isinstance(walk.app.screen, AskPath))
    walk.app.screen.query_one(Input).value = str(path)
    await walk.press("enter")


async def test_the_report_is_written_where_one_wants_it(tmp_path: Path) -> None:
    app = at_page("posture", recorded(), FakeBackend())
    async with walking(app, (120, 36)) as walk:
        await walk.see("Report")
        await walk.press("w")
        await walk.see("mlquick01-posture.html")
        await named(walk, tmp_path / "p.html")
        await walk.see("Report written")
    assert (tmp_path / "p.html").read_text() == "26 of 26 promises kept"


async def test_a_place_where_it_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the real application."""
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path / "home"))
    with Application(Choice()) as application:
        app = at_page("posture", recorded(), application)
        async with walking(app) as walk:
            await walk.press("w")
            await walk.see("The file to write")
            await named(walk, tmp_path)
            await walk.see(lambda: "is a folder" in told(app))
            await walk.press("w")
            await named(walk, tmp_path / "p.html")
            await walk.see("Report written")
    page = (tmp_path / "p.html").read_text()
    assert "26 of 26 promises kept" in page and "Azure Key Vault, network security" in page


# -- finish


async def test_finish_names_the_result_and_the_way_to_it() -> None:
    app = at_page("finish", recorded())
    async with walking(app) as walk:
        await walk.see("✓ 26 of 26 promises kept, outside and inside")
        await walk.see("See the Posture page")
        await walk.press("ctrl+p")
        await walk.see(lambda: walk.page == "posture")


async def test_finish_says_how_to_take_it_down_and_to_keep_it() -> None:
    app = at_page("finish", recorded())
    async with walking(app, (200, 60)) as walk:
        for command in ("replay", "destroy", "key"):
            await walk.see(f"amlwizard {command} recipes/quickstart.yaml --target sandbox")
        await walk.see(REVIVAL)
        await walk.press("f6")
        assert app.clipboard.splitlines() == list(app.next_steps[-1].commands)


async def test_finish_says_that_the_exit_is_1_where_a_promise_is_not_kept() -> None:
    app = at_page("finish", unkept(recorded()))
    app.ran = RunResult(1, "r", Path("recipe.yaml"), Path("journal.jsonl"))
    async with walking(app) as walk:
        await walk.see("but 1 promise is not kept:")
        assert "exit code 1" in walk.text and "✗ The workspace answers nobody" in walk.text
        await walk.press("ctrl+q")
    assert app.return_value == 1
