"""Help: F1 on a field, on a page and in every dialog."""

from __future__ import annotations

from typing import Any

import pytest
from support import RECIPES
from support.tui_support import FakeBackend, at_page, recorded, walking, wizard
from textual.screen import Screen

from amlwizard.draft import Draft, from_file
from amlwizard.events import LoginNeeded
from amlwizard.tui import quit, save
from amlwizard.tui.dialogs.dialog import Dialog
from amlwizard.tui.dialogs.help import HelpScreen
from amlwizard.tui.dialogs.login import LoginScreen
from amlwizard.tui.dialogs.pick_file import PickFile
from amlwizard.tui.dialogs.questions import AskPath, Choose
from amlwizard.tui.pages import addresses, progress
from amlwizard.tui.pages.registry import PAGES

pytestmark = pytest.mark.asyncio
WIDE = (120, 40)


def answered(page: str) -> Draft:
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page = page
    return draft


async def test_f1_answers_the_field_first_and_then_the_page() -> None:
    async with walking(wizard(FakeBackend(), answered("naming")), WIDE) as walk:
        walk.app.go_to_field("names.prefix")
        await walk.press("f1")
        await walk.see("3 to 12 lower-case letters and digits")
        for told in ("Example        contoso", "every resource: name", "names.prefix"):
            assert told in walk.text
        await walk.press("f1")
        await walk.see("Type a prefix, and every other name")
        assert "Next" in walk.text
        await walk.press("f1")
        await walk.see("3 to 12 lower-case letters and digits")
        await walk.press("escape")
        await walk.see(lambda: not isinstance(walk.app.screen, HelpScreen))


async def test_f1_on_a_field_names_no_rule_of_another() -> None:
    async with walking(wizard(FakeBackend(), answered("sign-in")), (100, 50)) as walk:
        walk.app.go_to_field("sign_in.subscription")
        await walk.press("f1")
        await walk.see("In the recipe  sign_in.subscription")
        assert "RG-1" not in walk.text and "TN-1" not in walk.text


async def test_every_page_says_what_it_is_for() -> None:
    app = at_page("welcome", recorded())
    async with walking(app, (120, 40)) as walk:
        for page in PAGES:
            await walk.go(page.id)
            await walk.press("f1")
            if page.sections:
                await walk.see("In the recipe")
                await walk.press("f1")
            await walk.see(" ".join(page.about.split()[:6]))
            assert "Commands" in walk.text, f"{page.id}: the keys follow"
            await walk.press("escape")
            await walk.see(lambda: not isinstance(app.screen, HelpScreen))


async def test_a_question_mark_is_a_letter_where_text_is_typed_and_help_elsewhere() -> None:
    async with walking(wizard(FakeBackend(), answered("naming"))) as walk:
        walk.app.go_to_field("names.vnet")
        await walk.press("question_mark")
        await walk.see(lambda: walk.app.session.draft.value("names.vnet") == "?")
        assert not isinstance(walk.app.screen, HelpScreen)
        walk.app.go("review")
        await walk.press("question_mark")
        await walk.see("What a run will do, step by step")


LOGIN = LoginNeeded(
    at=1, step="sign-in", url="https://microsoft.com/devicelogin", user_code="ABC", expires_at=900
)
DIALOGS: dict[str, tuple[Dialog[Any], str]] = {
    "quit": (quit.QuitDialog("Quit", quit.TEXT, quit.WAYS), "No further step is started"),
    "replace": (Choose("Replace", "", save.WAYS), "Its present content is lost."),
    "cancel": (Choose("Cancel", "", progress.CANCEL), "Starts no further step"),
    "ranges": (Choose("Free ranges", "", addresses.WAYS), "Undo brings yours back"),
    "path": (AskPath("Save", "The file.", "a.yaml"), "Completes it"),
    "pick": (PickFile("A notebook", RECIPES, (".py",)), "Opens the folder"),
}


async def test_every_dialog_explains_its_choices() -> None:
    async with walking(wizard(FakeBackend(), answered("review"))) as walk:
        for name, (dialog, told) in DIALOGS.items():
            walk.app.push_screen(dialog)
            await walk.see(lambda: walk.app.screen is dialog)  # noqa: B023
            await walk.press("f1" if name in ("path", "pick") else "question_mark")
            await walk.see(told)
            await walk.press("escape")
            await walk.see(lambda: walk.app.screen is dialog)  # noqa: B023
            await walk.press("escape")
            await walk.see(lambda: walk.app.screen is not dialog)  # noqa: B023


async def test_the_sign_in_explains_what_agreeing_means() -> None:
    app = wizard(FakeBackend(approves_sign_ins=True), answered("sign-in"), now=lambda: 2.0)
    async with walking(app) as walk:
        app.login_changed("plan", LOGIN)
        await walk.see(lambda: isinstance(app.screen, LoginScreen))
        await walk.press("question_mark")
        await walk.see("Signs in as the sandbox's test user")


async def test_the_letters_of_a_path_open_no_help() -> None:
    async with walking(wizard(FakeBackend(), answered("review"))) as walk:
        walk.app.push_screen(AskPath("Save", "The file.", ""))
        await walk.type("a?")
        await walk.see("a?")
        assert isinstance(walk.app.screen, AskPath)


async def test_the_list_of_commands_is_explained() -> None:
    async with walking(wizard(FakeBackend(), answered("review"))) as walk:
        await walk.press("ctrl+o")
        palette: Screen[object] = walk.app.screen
        await walk.press("f1")
        await walk.see("Type a part of a command's name")
        await walk.press("escape")
        await walk.see(lambda: walk.app.screen is palette)
