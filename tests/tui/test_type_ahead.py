"""What is typed faster than it is handled arrives in the field that it was meant for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.tui_support import at_page, page_of, recorded, until
from textual.events import Key

from amlwizard.tui.app import WizardApp
from amlwizard.tui.pages.addresses import AddressesPage
from amlwizard.tui.pages.form import FormPage

NAMED = {"-": "minus"}
PREFIX, GROUP = "names.prefix", "names.resource_group"


def keys(*typed: str) -> Iterator[Key]:
    """The events of keys: a text of more than one letter is the name of one, or typed."""
    for text in typed:
        if text in ("tab", "shift+tab", "ctrl+u", "backspace"):
            yield Key(text, None)
        else:
            yield from (Key(NAMED.get(letter, letter), letter) for letter in text)


def burst(app: WizardApp, *typed: str) -> None:
    """Type at once, as a terminal delivers what piled up."""
    for key in keys(*typed):
        app.post_message(key)


TYPED = (
    (("ctrl+u", "myteam", "tab", "rg-mine"), "myteam", "rg-mine"),
    (("tab", "rg-x", "shift+tab", "ctrl+u", "other"), "other", "rg-x"),
    (("tab", "rg-x", "ctrl+u", "rg-y"), "mlquick01", "rg-y"),
    (("x", "backspace", "y", "tab", "rg-z", "backspace", "x"), "mlquick01y", "rg-x"),
)


async def test_letters_right_after_tab_land_in_the_next_field() -> None:
    app = at_page("naming", recorded())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        for typed, first, second in TYPED:
            app.answer({PREFIX: "mlquick01", GROUP: None})
            row = page_of(app, FormPage).row(PREFIX)
            assert row
            row.editor.focus()
            await pilot.pause()
            await pilot.press("end")
            burst(app, *typed)
            await pilot.pause()
            await pilot.pause()
            draft = app.session.draft
            assert (draft.value(PREFIX), draft.value(GROUP)) == (first, second), typed


async def test_a_field_that_is_not_asked_cannot_take_the_focus_before_it_is_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key would be lost with it: what is hidden gives the focus back to the first field."""
    monkeypatch.setattr(AddressesPage, "answers_changed", lambda page: None)
    app = at_page("addresses", recorded())
    async with app.run_test(size=(120, 36)) as pilot:
        page = page_of(app, FormPage)
        await until(pilot, lambda: page._whole)
        shown = {row.spec.path for row in page.rows if row.display}
        assert shown == {spec.path for spec in app.session.asked("addresses")}
        assert "addresses.gateway" not in shown
