"""What the pages say and do, over a backend that answers at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from threading import Event as CancelEvent

import pytest
from support import RECIPES, ROOT, existing
from support.blocking import HEAVY, counted, unblocked
from support.tui_support import (
    SUBSCRIPTION,
    FakeBackend,
    at_page,
    page_of,
    recorded,
    walking,
    wizard,
)

from amlwizard.draft import Draft, from_file
from amlwizard.errors import Finding, SignInError
from amlwizard.events import Emit, LoginDone, LoginNeeded
from amlwizard.plan import Plan, outline
from amlwizard.recipe import Recipe, load
from amlwizard.steps import steps_for
from amlwizard.tui.dialogs.questions import AskPath, Choose
from amlwizard.tui.pages.form import FormPage
from amlwizard.tui.pages.registry import PAGES
from amlwizard.tui.widgets.rail import RailEntry, _fitted
from amlwizard.tui.widgets.step_tree import StepTree

pytestmark = pytest.mark.asyncio


def answered(page: str, **changes: object) -> Draft:
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page = page
    for path, value in changes.items():
        draft.put(path.replace("__", "."), value)
    return draft


async def test_the_first_paint_loads_no_cloud() -> None:
    code = """
import asyncio, sys
from pathlib import Path
from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.draft import DraftStore
from amlwizard.tui.app import WizardApp
async def main():
    app = WizardApp(Application(Choice()), DraftStore(Path("nowhere")))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.screen.query("#ways")
        print(*{name.partition(".")[0] for name in sys.modules})
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = set(done.stdout.split())
    assert "textual" in loaded and not loaded & set(HEAVY)


async def test_every_page_stands_whole_on_every_size_with_the_keys_of_everywhere() -> None:
    """On small and large ones; those between are in the pictures. A newcomer finds the way out, and all
    there is to do, without being told."""
    for size in ((200, 60), (40, 12)):
        app = at_page("welcome", recorded(), FakeBackend())
        async with walking(app, size) as walk:
            for page in PAGES:
                await walk.go(page.id)
                assert walk.page == page.id
                assert "^q Quit" in walk.text.splitlines()[-1], page.id
    async with walking(at_page("welcome", recorded())) as walk:
        assert "^o Commands" in walk.text


@pytest.mark.parametrize("here", range(len(PAGES)))
async def test_the_rail_tells_every_page_in_80_columns(here: int) -> None:
    stops = [
        RailEntry(page.id, n, page.title, here=n - 1 == here, errors=2 if n == 4 else 0)
        for n, page in enumerate(PAGES, 1)
    ]
    text = "  ".join(content.plain for content in _fitted(stops, 78))
    assert len(text) <= 78
    assert PAGES[here].title in text and "✗2" in text
    assert all(str(stop.number) in text for stop in stops)


# -- welcome


async def test_a_recipe_file_is_chosen_and_completed_as_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "other.yaml").write_bytes((RECIPES / "article.yaml").read_bytes())
    async with walking(wizard(FakeBackend(), folder=tmp_path / "sessions")) as walk:
        await walk.see("From another recipe file")
        await walk.press("end", "enter")
        await walk.see(lambda: isinstance(walk.app.screen, AskPath))
        await walk.press("ctrl+u")
        await walk.type("no/such.yaml")
        await walk.press("enter")
        await walk.see("No such file or directory")
        await walk.press("enter")
        await walk.see(lambda: isinstance(walk.app.screen, AskPath))
        await walk.press("ctrl+u")
        await walk.type("oth")
        await walk.see("other.yaml")
        await walk.press("right", "enter")
        await walk.see("Who signs in")
        assert walk.app.session.recipe == load(RECIPES / "article.yaml")


async def test_outside_a_checkout_the_bundled_recipes_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with walking(wizard(FakeBackend(), folder=tmp_path / "sessions")) as walk:
        await walk.see("From article")
        await walk.press("end", "up", "enter")
        await walk.see("Who signs in")
        recipe = existing(walk.app.session.recipe)
        assert recipe.names == load(RECIPES / "spark.yaml").names
        assert existing(recipe.training.notebook).path.samefile(RECIPES / "spark.py")
        assert walk.app.session.draft.saved == "", "it would be saved over the package's own file"


async def test_a_target_that_is_not_installed_says_how_to_add_it() -> None:
    lacking = FakeBackend(lacks="Add it: pip install 'amlwizard[sandbox]'")
    async with walking(wizard(lacking)) as walk:
        await walk.see("Not installed. Add it: pip install 'amlwizard[sandbox]'")
        await walk.press("shift+tab", "right")
        await walk.see("Your subscription")


async def test_the_target_is_chosen_first() -> None:
    async with walking(wizard(FakeBackend())) as walk:
        await walk.press("shift+tab", "right")
        await walk.see("Your subscription")
        await walk.press("tab", "enter")
        await walk.see("Who signs in")
        assert walk.app.session.draft.target == "azure"


# -- sign-in


async def test_a_subscription_is_chosen_among_those_that_the_account_sees() -> None:
    backend = FakeBackend(subscriptions=3)
    async with walking(wizard(backend, answered("sign-in"))) as walk:
        await walk.press("ctrl+l")
        await walk.see("me@contoso.example")
        await walk.see("Subscription 2")
        walk.app.screen.query_one("#subscriptions").focus()
        await walk.press("down", "enter")
        chosen = SUBSCRIPTION[:-1] + "1"
        await walk.see(lambda: walk.app.account and walk.app.account.subscription == chosen)
        assert walk.app.session.draft.value("sign_in.subscription") == chosen
        assert backend.asked[-1] != f"sign-in {None}"


async def test_a_region_is_looked_up_before_there_is_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backend = FakeBackend()

    def looked_up(recipe: Recipe, *_: object) -> list[Finding]:
        region, registry = recipe.sign_in.region, recipe.names.registry
        return [
            Finding("region-not-offered", "error", ("sign_in.region",), f"There is no {region}."),
            Finding("name-taken", "error", ("names.registry",), f"{registry} is taken."),
        ]

    monkeypatch.setattr(backend, "preflight", looked_up)
    app = wizard(backend, folder=tmp_path)
    app.session.put({"sign_in.region": "atlantis"})
    async with walking(app) as walk:
        await walk.go("sign-in")
        await walk.press("ctrl+l")
        await walk.see("There is no atlantis.")
        assert "name-taken" not in {finding.rule for finding in app.session.findings}


async def test_a_sign_in_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeBackend()

    def refuse(*_: object) -> None:
        raise SignInError("Entra refused.", why="The account is locked.", fix="Unlock it.")

    monkeypatch.setattr(backend, "accounts", refuse)
    async with walking(wizard(backend, answered("sign-in"))) as walk:
        await walk.press("ctrl+l")
        await walk.see("The account is locked.")
        await walk.see(lambda: not walk.app.busy)
        assert walk.app.account is None


async def test_a_new_code_for_reading_the_cloud_after_a_run_starts_no_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = FakeBackend()

    def expires(recipe: Recipe, emit: Emit, cancel: CancelEvent) -> None:
        now = time.time()
        emit(LoginNeeded(at=now, step="sign-in", url="https://x", user_code="C", expires_at=now))
        raise SignInError("Not signed in.", why="The code ran out.")

    monkeypatch.setattr(backend, "plan", expires)
    app = at_page("review", recorded(), backend)
    async with walking(app) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("r")
        await walk.see("The code ran out.")
        await walk.press("n")
        await walk.see(lambda: app.account)
        assert not app.running and app.view.run == recorded().run


# -- naming


async def test_a_name_that_is_taken_is_found_once_signed_in_and_until_it_changes() -> None:
    backend = FakeBackend(taken="crmlquick01")
    async with walking(wizard(backend, answered("sign-in"))) as walk:
        await walk.press("ctrl+l")
        await walk.see("me@contoso.example")
        await walk.see(lambda: any(f.rule == "TAKEN" for f in walk.app.findings))
        await walk.go("naming")
        walk.app.go_to_field("names.registry")
        await walk.see("The name crmlquick01 is taken.")
        await walk.type("x")
        await walk.see(lambda: not any(f.rule == "TAKEN" for f in walk.app.findings))


async def test_the_right_arrow_takes_a_derived_name_over_to_be_edited() -> None:
    async with walking(wizard(FakeBackend(), answered("naming"))) as walk:
        walk.app.go_to_field("names.vnet")
        await walk.see("vnet-mlquick01")
        await walk.press("right")
        await walk.type("x")
        await walk.see(lambda: walk.app.session.draft.value("names.vnet") == "vnet-mlquick01x")


async def test_f1_explains_the_field_by_its_rules() -> None:
    async with walking(wizard(FakeBackend(), answered("security")), (80, 60)) as walk:
        walk.app.go_to_field("security.registry_sku")
        await walk.press("f1")
        await walk.see("Only Premium registries support network rules")
        assert "Azure Container Registry" in walk.text
        await walk.press("escape")
        await walk.see("How the platform is closed off")


# -- review


async def test_errors_block_the_start_and_say_where_to_go() -> None:
    draft = answered("review", security__registry_sku="Basic")
    async with walking(wizard(FakeBackend(), draft)) as walk:
        await walk.see("error to correct")
        await walk.press("g")
        await walk.see("Correct the errors first")
        assert not walk.app.running
        await walk.press("enter")
        await walk.see("How the platform is closed off")
        page = page_of(walk.app, FormPage)
        await walk.see(lambda: page.focused_row)
        assert existing(page.focused_row).spec.path == "security.registry_sku"
        await walk.press("ctrl+r")
        await walk.see(lambda: not walk.app.session.errors)


class Planned(FakeBackend):
    """Knows the steps of the whole journey."""

    def outline(self, recipe: Recipe) -> Plan:
        return outline(steps_for(recipe))


async def test_steps_without_a_duration_have_the_room_of_one_for_their_titles() -> None:
    async with walking(wizard(Planned(), answered("review")), (120, 36)) as walk:
        await walk.see("▾ Platform")
        plan = existing(walk.app.plan)
        longest = next(step for step in plan.steps if step.id == "nsg.databricks-private")
        await walk.see(longest.title)


async def test_the_recipe_is_saved_where_its_owner_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with walking(wizard(FakeBackend(), answered("review"))) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("s")
        await walk.see(lambda: isinstance(walk.app.screen, AskPath))
        await walk.press("ctrl+u")
        await walk.type("mine.yaml")
        await walk.press("enter")
        await walk.see("Recipe saved")
    assert load(tmp_path / "mine.yaml") == load(RECIPES / "quickstart.yaml")


async def test_a_file_that_somebody_else_wrote_is_written_over_only_where_agreed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    theirs = Path("theirs.yaml")
    theirs.write_text("theirs", encoding="utf-8")
    async with walking(wizard(FakeBackend(), answered("review"))) as walk:
        await walk.see("not compared with the cloud yet")
        for answer in (("escape",), ("enter",)):
            await walk.press("s")
            await walk.see(lambda: isinstance(walk.app.screen, AskPath))
            await walk.press("ctrl+u")
            await walk.type(str(theirs))
            await walk.press("enter")
            await walk.see("Replace the file")
            assert theirs.read_text(encoding="utf-8") == "theirs"
            await walk.press(*answer)
            if answer == ("escape",):
                await walk.see(lambda: isinstance(walk.app.screen, AskPath))
                assert "theirs.yaml" in walk.text
                await walk.press("escape")
        await walk.see("Recipe saved")
        await walk.press("s", "enter")  # what was saved from these answers is theirs to renew
        await walk.see(lambda: not isinstance(walk.app.screen, AskPath | Choose))
    assert load(theirs) == load(RECIPES / "quickstart.yaml")


async def test_building_on_azure_asks_first() -> None:
    backend = FakeBackend()
    async with walking(wizard(backend, answered("review"), target="azure")) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: isinstance(walk.app.screen, Choose))
        await walk.see("Nobody has signed in yet")
        assert "region westeurope" in walk.text and "About 16 USD a day" in walk.text
        await walk.press("enter")  # on "Not now"
        await walk.see("not compared with the cloud yet")
        assert not walk.app.running
        await walk.press("g", "up", "enter")  # on "Sign in first"
        await walk.see(lambda: walk.app.account)
        await walk.press("g")
        await walk.see(f"({SUBSCRIPTION})")
        await walk.press("escape", "g", "up", "enter")  # on "Start"
        await walk.see(lambda: walk.app.ran)


async def test_what_it_costs_stands_on_review_as_soon_as_it_is_known() -> None:
    app = wizard(FakeBackend(), answered("review"))
    async with walking(app) as walk:
        await walk.see("About 16 USD a day, 490 USD a month, by Azure's list prices of 2026-11-27.")
        app.costs = None
        await walk.see("Reading prices…")


async def test_the_plan_follows_the_highlighted_step_with_its_command() -> None:
    async with walking(wizard(FakeBackend(), answered("review"))) as walk:
        await walk.see("az login")
        await walk.press("down", "down")
        await walk.see("az network vnet create -n vnet")
        await walk.see("about 9.0 s")
        await walk.press("r")
        await walk.see("compared with the sandbox")


# -- progress


async def test_a_failure_says_what_why_and_the_way_out_and_is_retried() -> None:
    backend = FakeBackend(fails="train")
    async with walking(wizard(backend, answered("review"))) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        for text in ("1 failed", "It broke.", "A reason.", "A way out.", "Broken"):
            await walk.see(text)
        await walk.press("r")
        await walk.see(lambda: walk.app.ran and walk.app.ran.exit_code == 0)
        await walk.see("done")
        assert walk.app.view.steps["train"].state == "done"


async def test_a_run_that_is_continued_says_how_long_it_will_take() -> None:
    """Though the plan was made in an earlier session."""
    backend, draft = FakeBackend(gate=CancelEvent()), answered("progress")
    draft.run = "run-1"
    async with walking(wizard(backend, draft)) as walk:
        await walk.see("Retry")
        await walk.press("r")
        await walk.see("~49 s left")
        assert backend.gate
        backend.gate.set()
        await walk.see(lambda: walk.app.ran)


async def test_a_run_is_paused_released_and_cancelled() -> None:
    backend = FakeBackend(gate=CancelEvent())
    async with walking(wizard(backend, answered("review"))) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see("Pause")
        await walk.press("p")
        await walk.see("paused")
        assert walk.app.runs.paused
        await walk.press("p")
        await walk.see(lambda: not walk.app.runs.paused)
        await walk.press("c")
        await walk.see("Cancel the run")
        await walk.press("enter")
        await walk.see("cancelled")
        await walk.see("Retry")


async def test_answers_can_be_read_but_not_changed_while_a_run_is_under_way() -> None:
    backend = FakeBackend(gate=CancelEvent())
    async with walking(wizard(backend, answered("review"))) as walk:
        await walk.see("not compared with the cloud yet")
        await walk.press("g")
        await walk.see(lambda: walk.app.view.counts().get("done"))
        await walk.go("naming")
        await walk.see("A run is in progress")
        await walk.type("zzz")
        assert walk.app.session.draft.value("names.prefix") == "mlquick01"
        assert backend.gate
        backend.gate.set()
        await walk.see(lambda: not walk.app.running)
        await walk.see(lambda: "A run is in progress" not in walk.text)


async def test_what_is_typed_over_a_live_page_waits_for_nothing() -> None:
    app = at_page("progress", recorded(30), FakeBackend())
    app.running = True
    async with walking(app) as walk:
        with unblocked(app.application), counted():
            await walk.press("ctrl+s")
            await walk.see("Save the recipe")
            await walk.type("typed-while-it-runs")
            await walk.see("typed-while-it-runs")
            await walk.press("escape")
            await walk.see("Training run")


async def test_no_page_holds_the_loop_when_it_is_first_shown() -> None:
    app = at_page("welcome", recorded())
    async with walking(app, (120, 36)) as walk:
        with unblocked(app.application), counted():
            for page in app.pages:
                await walk.go(page.id)


async def test_a_login_after_the_run_makes_it_no_longer() -> None:
    app = at_page("finish", recorded())
    async with walking(app) as walk:
        now, needed = app.view.now, LoginNeeded(at=app.view.now + 500, step="verify", url="https://x",
                                                user_code="C", expires_at=9e9)  # fmt: skip
        app.call_later(app.login_changed, "verify", needed)
        await walk.see("sent to the clipboard")
        done = LoginDone(at=now + 900, step="verify", account="me")
        app.call_later(app.login_changed, "verify", done)
        await walk.see(lambda: not app.view.login)
        assert app.view.now == now


async def test_quitting_over_another_question_asks_what_becomes_of_the_run() -> None:
    app = at_page("progress", recorded(30))
    app.running = True
    async with walking(app) as walk:
        await walk.press("c")
        await walk.see("Cancel the run")
        await walk.press("ctrl+q", "ctrl+q")
        await walk.see("Quit now and resume later")
        await walk.press("escape")
        await walk.see("Keep running")
        await walk.press("escape")
        await walk.see(lambda: not isinstance(app.screen, Choose))


async def test_a_step_that_was_under_way_when_the_wizard_ended_is_not_said_to_run() -> None:
    async with walking(at_page("progress", recorded(15))) as walk:
        await walk.see("interrupted")
        assert "running (" not in walk.text


async def test_looking_at_a_step_by_hand_stops_following_until_asked() -> None:
    app = at_page("progress", recorded(30))
    app.running = True
    async with walking(app) as walk:
        await walk.see("Training run")
        await walk.press("home", "down")
        await walk.see("Follow")
        assert "sign-in" in str(walk.app.screen.query_one("#steps", StepTree).step)
        await walk.press("f")
        await walk.see(lambda: "Follow" not in walk.text)


# -- all over


async def test_the_palette_goes_to_pages_and_changes_the_colours() -> None:
    async with walking(wizard(FakeBackend(), answered("security"))) as walk:
        await walk.press("ctrl+o")
        await walk.see("Go to Naming")
        await walk.type("light")
        await walk.see("Light colours")
        await walk.press("enter")
        await walk.see(lambda: walk.app.theme == "amlwizard-light")


async def test_the_mouse_goes_to_pages_and_presses_keys() -> None:
    async with walking(wizard(FakeBackend(), answered("security"))) as walk:
        await walk.see("6 Training")
        at = walk.text.splitlines()[0].index("6 Training")
        await walk.pilot.click(offset=(at, 0))
        await walk.see("The Databricks cluster")
        at = walk.text.splitlines()[-1].index("^p")
        await walk.pilot.click(offset=(at, 23))
        await walk.see("How the platform is closed off")
