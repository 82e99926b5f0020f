"""Every key on every page is safe while a run, a sign-in, a verification or the loading of an earlier
run is under way; what comes of one that nobody waits for any more is dropped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event as CancelEvent

import pytest
from support import RECIPES
from support.tui_support import SUBSCRIPTION, FakeBackend, Walk, judged, recorded, walking, wizard
from textual.app import App
from textual.screen import ModalScreen
from textual.widgets import OptionList

from amlwizard.draft import Draft, DraftStore, from_file, new
from amlwizard.errors import AmlwizardError
from amlwizard.tui.pages.page import Page
from amlwizard.tui.pages.registry import PAGES
from amlwizard.tui.widgets.choices import Choices

pytestmark = pytest.mark.asyncio


@pytest.fixture
def gate() -> Iterator[CancelEvent]:
    """Holds what is under way until it is set, at the latest when the test is over."""
    one = CancelEvent()
    yield one
    one.set()


@pytest.fixture(autouse=True)
def one_recipe(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Welcome offers one recipe file: every further one is the same way to begin."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "recipes").mkdir()
    shutil.copy(RECIPES / "quickstart.yaml", folder / "recipes")
    monkeypatch.chdir(folder)


def clock() -> float:
    """Seconds since the epoch, not long after the events of the runs here."""
    return 60.0


def answered(page: str, **changes: object) -> Draft:
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page = page
    for path, value in changes.items():
        draft.put(path.replace("__", "."), value)
    return draft


def earlier(page: str, run: str, prefix: str = "mlquick01") -> Draft:
    """A draft that a run was started of."""
    draft = answered(page, names__prefix=prefix)
    draft.run = run
    return draft


# -- every key of every page

ALL = [page.id for page in PAGES]
CONCERNED = ["welcome", "sign-in", "naming", "posture", "progress"]
"""Pages that show or begin what is under way, and a form."""
these_pages = pytest.mark.parametrize(
    "pages", [CONCERNED, pytest.param(ALL, marks=pytest.mark.breadth)], ids=["concerned", "all"]
)


def keys(walk: Walk, of_app: bool, of_all_pages: bool) -> list[str]:
    """The keys that our own pages and widgets bind, where they work now, and those that choose; with
    `of_app`, those of everywhere too, and with `of_all_pages` those that lead from page to page."""
    ours = {
        key
        for active in walk.app.screen.active_bindings.values()
        for cls in type(active.node).__mro__
        if cls.__module__.startswith("amlwizard")
        and (of_app or not issubclass(cls, App))
        and (of_all_pages or cls is not Page)
        for binding in cls.__dict__.get("BINDINGS", ())
        if binding.action != "leave" or walk.app.running  # it ends the app, unless a run goes on
        for key in binding.key.split(",")
    }
    return [*sorted(ours & walk.app.screen.active_bindings.keys()), "enter", "space", "right"]


async def press(walk: Walk, key: str) -> None:
    """Press a key, and leave what it asks unanswered."""
    await walk.press(key)
    await walk.pilot.pause()
    for _ in range(5):
        if isinstance(walk.app.screen, ModalScreen):
            await walk.press("escape")
            await walk.pilot.pause()


async def press_everything(walk: Walk, pages: Sequence[str] = ALL) -> None:
    """Every key of every page, and every way to begin on the first one."""
    for page in pages:
        await _to(walk, page)
        for key in keys(walk, page == "review", page in ("naming", "review")):
            await press(walk, key)
            await _to(walk, page)
    await _to(walk, "welcome")
    for number in range(walk.app.screen.query_one(OptionList).option_count):
        await _to(walk, "welcome")
        ways = walk.app.screen.query_one("#ways", OptionList)
        ways.focus()
        ways.highlighted = min(number, ways.option_count - 1)
        await press(walk, "enter")


async def _to(walk: Walk, page: str) -> None:
    if walk.app.may_go(page) and walk.page != page:
        await walk.go(page)


async def test_every_key_while_a_run_goes_on(tmp_path: Path, gate: CancelEvent) -> None:
    store, backend = DraftStore(tmp_path), FakeBackend(gate=gate, verdict=judged(recorded()))
    store.save(answered("naming", names__prefix="other07"))
    async with walking(wizard(backend, answered("review"), tmp_path, now=clock)) as walk:
        mine = walk.app.session.draft
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: walk.app.view.counts().get("done"))
        before = mine.answers
        await press_everything(walk)
        assert walk.app.running and walk.app.session.draft is mine
        assert mine.answers == before and mine.target == "sandbox"
        gate.set()
        await walk.see(lambda: walk.app.ran)
        assert walk.app.ran and walk.app.ran.exit_code == 0
        assert walk.app.view.run == mine.run == "run-1" and walk.app.session.done
    assert {asked for asked in backend.asked if "open" in asked} == {"open sandbox"}
    assert not [asked for asked in backend.asked if asked.startswith(("sign-in", "verify"))]


@these_pages
async def test_every_key_while_a_sign_in_goes_on(
    tmp_path: Path, gate: CancelEvent, pages: Sequence[str]
) -> None:
    backend = FakeBackend(signing_in=gate, verdict=judged(recorded()))
    async with walking(wizard(backend, earlier("sign-in", "run-0"), tmp_path, now=clock)) as walk:
        await walk.press("ctrl+l")
        await walk.see(lambda: "sign-in" in walk.app.busy)
        await press_everything(walk, pages)
        await _to(walk, "sign-in")
        walk.app.answer({"sign_in.tenant": "other.example"})
        await walk.press("ctrl+l")
        gate.set()
        await walk.see(lambda: not walk.app.busy)
        assert walk.app.account is None or walk.app.account.tenant == "other.example"


@these_pages
async def test_every_key_while_a_verification_goes_on(
    tmp_path: Path, gate: CancelEvent, pages: Sequence[str]
) -> None:
    backend = FakeBackend(looking=gate, verdict=judged(recorded()))
    async with walking(wizard(backend, earlier("posture", "run-0"), tmp_path, now=clock)) as walk:
        await walk.press("v")
        await walk.see(lambda: "verify" in walk.app.busy)
        await press_everything(walk, pages)
        gate.set()
        await walk.see(lambda: not walk.app.busy)


@these_pages
async def test_every_key_while_an_earlier_run_is_loaded(
    tmp_path: Path, gate: CancelEvent, pages: Sequence[str]
) -> None:
    store, backend = DraftStore(tmp_path), FakeBackend(loading=gate, verdict=judged(recorded()))
    store.save(earlier("progress", "run-0"))
    async with walking(wizard(backend, folder=tmp_path, now=clock)) as walk:
        await walk.press("enter")
        await walk.see(lambda: walk.app.view.run == "run-0")
        await press_everything(walk, pages)
        gate.set()
        await walk.see(lambda: not walk.app.busy)


# -- the run is its own


async def test_another_recipe_waits_for_the_end_of_the_run(
    tmp_path: Path, gate: CancelEvent
) -> None:
    backend = FakeBackend(gate=gate)
    async with walking(wizard(backend, answered("review"), tmp_path, now=clock)) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: walk.app.view.counts().get("done"))
        mine = walk.app.session.draft
        walk.app.open_draft(new(), "sign-in")
        await walk.see("A run is in progress")
        assert walk.app.session.draft is mine and walk.page == "progress"
        walk.app.answer({"names.prefix": "other"})
        assert mine.value("names.prefix") == "mlquick01"
        gate.set()
        await walk.see(lambda: walk.app.ran)
        assert walk.app.view.exit_code == 0 and walk.app.session.done


async def test_the_target_stands_while_a_run_goes_on(gate: CancelEvent) -> None:
    backend = FakeBackend(gate=gate)
    async with walking(wizard(backend, answered("review"))) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: walk.app.view.counts().get("done"))
        await walk.go("welcome")
        await walk.press("shift+tab", "right")
        await walk.see("A run is in progress")
        assert walk.app.session.draft.target == "sandbox"
        assert walk.app.screen.query_one(Choices).value == "sandbox"
        await walk.go("sign-in")
        await walk.press("ctrl+l")
        await walk.pilot.pause()
        gate.set()
        await walk.see(lambda: walk.app.ran)
    assert "open azure" not in backend.asked and not [a for a in backend.asked if "sign-in" in a]


async def test_a_run_is_dropped_when_another_target_is_chosen(tmp_path: Path) -> None:
    """What retries it, scores or takes it down would do so on the other cloud."""
    backend = FakeBackend(fails="train", verdict=judged(recorded()))
    async with walking(wizard(backend, answered("review"), tmp_path, now=clock)) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: walk.app.ran)
        walk.app.set_target("azure")
        assert not walk.app.next_steps and not walk.app.may_go("progress")
        assert not walk.app.session.draft.run and walk.app.ran is None


async def test_a_run_keeps_its_recipe_when_answers_change(tmp_path: Path) -> None:
    """Its endpoint is asked and its network drawn, not those of the answers since."""
    backend = FakeBackend(verdict=judged(recorded()))
    async with walking(wizard(backend, answered("review"), tmp_path, now=clock)) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: walk.app.ran)
        walk.app.answer({"names.prefix": "other07"})
        failed: list[AmlwizardError] = []
        walk.app.score({"input_data": []}, print, failed.append)
        walk.app.save_report(judged(recorded()), tmp_path / "p.html")
        await walk.see(lambda: failed and (tmp_path / "p.html").exists())
        await walk.see(lambda: not walk.app.busy)
    assert {"score mlquick01", "report mlquick01"} <= set(backend.asked)


@pytest.mark.parametrize("by", ["target", "subscription"])
async def test_what_one_cloud_refuses_is_not_held_against_another(by: str) -> None:
    backend = FakeBackend(taken="crtaken07")
    draft = answered("sign-in", names__registry="crtaken07")
    async with walking(wizard(backend, draft)) as walk:
        await walk.press("ctrl+l")
        await walk.see(lambda: any(f.rule == "TAKEN" for f in walk.app.findings))
        if by == "target":
            walk.app.set_target("azure")
        else:
            walk.app.answer({"sign_in.subscription": SUBSCRIPTION})
        assert not any(f.rule == "TAKEN" for f in walk.app.findings)


async def test_prices_of_another_cloud_are_not_shown(gate: CancelEvent) -> None:
    backend = FakeBackend(pricing=gate)
    async with walking(wizard(backend, answered("review"))) as walk:
        await walk.see(lambda: "costs" in walk.app.busy)
        await walk.go("welcome")
        walk.app.set_target("azure")
        gate.set()
        await walk.see(lambda: not walk.app.busy)
        await walk.pilot.pause()
        assert walk.app.costs is None


async def test_the_welcome_shows_the_target_of_the_session_that_is_continued(
    tmp_path: Path,
) -> None:
    store, draft = DraftStore(tmp_path), answered("naming")
    draft.target = "azure"
    store.save(draft)
    async with walking(wizard(FakeBackend(), folder=tmp_path, now=clock)) as walk:
        await walk.press("enter")
        await walk.see("everything is called")
        await walk.go("welcome")
        assert walk.app.screen.query_one(Choices).value == "azure"


# -- what nobody waits for any more


async def test_a_sign_in_of_other_answers_signs_nobody_in(gate: CancelEvent) -> None:
    backend = FakeBackend(signing_in=gate)
    async with walking(wizard(backend, answered("sign-in"))) as walk:
        await walk.press("ctrl+l")
        await walk.see("Signing in")
        walk.app.answer({"sign_in.tenant": "other.example"})
        gate.set()
        await walk.see(lambda: any(asked.startswith("sign-in") for asked in backend.asked))
        await walk.see(lambda: not walk.app.busy)
        await walk.pilot.pause()
        assert walk.app.account is None and not walk.app.tenants


async def test_a_sign_in_at_another_cloud_signs_nobody_in(gate: CancelEvent) -> None:
    backend = FakeBackend(signing_in=gate)
    async with walking(wizard(backend, answered("sign-in"))) as walk:
        await walk.press("ctrl+l")
        await walk.see("Signing in")
        walk.app.set_target("azure")
        gate.set()
        await walk.see(lambda: any(asked.startswith("sign-in") for asked in backend.asked))
        await walk.see(lambda: not walk.app.busy)
        await walk.pilot.pause()
        assert walk.app.account is None and not walk.app.tenants


async def test_what_was_judged_of_other_answers_is_not_shown(gate: CancelEvent) -> None:
    backend = FakeBackend(looking=gate, verdict=judged(recorded()))
    async with walking(wizard(backend, earlier("posture", "run-0"))) as walk:
        await walk.press("v")
        await walk.see(lambda: walk.app.verifying)
        walk.app.answer({"names.prefix": "mlother07"})
        gate.set()
        await walk.see(lambda: not walk.app.busy)
        await walk.see("Verify again")
        assert walk.app.verified is None


async def test_an_earlier_run_is_shown_only_in_its_own_session(
    tmp_path: Path, gate: CancelEvent
) -> None:
    store, backend = DraftStore(tmp_path), FakeBackend(loading=gate)
    store.save(earlier("progress", "run-0"))
    async with walking(wizard(backend, folder=tmp_path, now=clock)) as walk:
        await walk.press("enter")
        await walk.see(lambda: walk.app.view.run == "run-0")
        walk.app.open_draft(answered("naming"), "naming")
        gate.set()
        await walk.see("everything is called")
        await walk.see(lambda: not walk.app.busy)
        await walk.pilot.pause()
        assert walk.app.ran is None and not walk.app.view.run


async def test_a_run_that_is_retried_while_the_earlier_one_is_loaded_is_shown_alone(
    tmp_path: Path, gate: CancelEvent
) -> None:
    store, backend = DraftStore(tmp_path), FakeBackend(loading=gate, gate=gate)
    store.save(earlier("progress", "run-0"))
    async with walking(wizard(backend, folder=tmp_path, now=clock)) as walk:
        await walk.press("enter")
        await walk.see(lambda: walk.app.view.run == "run-0")
        await walk.press("r")
        await walk.see(lambda: walk.app.view.run == "run-1")
        gate.set()
        await walk.see(lambda: walk.app.ran)
        assert walk.app.ran and walk.app.ran.run == "run-1" and walk.app.view.exit_code == 0
