"""Going to pages by number, and what is left out first where there is little room."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.color import Color
from support import RECIPES
from support.tui_support import FakeBackend, at_page, page_of, recorded, walking, wizard
from textual._xterm_parser import XTermParser
from textual.color import Color as Shade
from textual.widgets import OptionList

from amlwizard.draft import Draft, from_file
from amlwizard.tui.dialogs.go_to import GoTo
from amlwizard.tui.dialogs.questions import AskPath
from amlwizard.tui.pages.form import FormPage
from amlwizard.tui.pages.registry import PAGES
from amlwizard.tui.theme import DARK, LIGHT
from amlwizard.tui.widgets.answer_list import AnswerList
from amlwizard.tui.widgets.rail import Rail

pytestmark = pytest.mark.asyncio
READABLE = 4.5  # WCAG 2.2, contrast (minimum)


def answered(page: str) -> Draft:
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.page = page
    return draft


async def test_alt_and_a_number_go_to_a_page_even_from_a_field() -> None:
    async with walking(wizard(FakeBackend(), answered("naming"))) as walk:
        walk.app.go_to_field("names.vnet")
        await walk.press("alt+5")
        await walk.see(lambda: walk.page == "security")
        await walk.press("alt+8")
        await walk.see(lambda: walk.page == "review")
        assert walk.app.session.draft.value("names.vnet") is None, "no digit was typed"


@pytest.mark.parametrize("digit", range(1, 10))
async def test_escape_and_a_digit_are_alt_and_the_digit(digit: int) -> None:
    """As terminals, tmux and ssh send it."""
    assert [event.key for event in XTermParser(False).feed(f"\x1b{digit}")] == [f"alt+{digit}"]  # type: ignore[attr-defined]


async def test_a_page_with_nothing_to_show_is_not_gone_to() -> None:
    async with walking(wizard(FakeBackend(), answered("naming"))) as walk:
        await walk.press("alt+9")
        await walk.see("Progress has nothing to show")
        assert walk.page == "naming"
        assert "9–13" in walk.text


@pytest.mark.parametrize(("typed", "page"), [("12", "posture"), ("3", "naming"), ("13", "finish")])
async def test_any_page_is_chosen_by_its_number_from_the_list(typed: str, page: str) -> None:
    async with walking(at_page("progress", recorded())) as walk:
        await walk.press("ctrl+g")
        await walk.see("10  Training result")
        await walk.press(*typed)
        await walk.see(lambda: walk.page == page)


async def test_a_number_that_longer_ones_begin_with_is_taken_with_enter() -> None:
    async with walking(at_page("progress", recorded())) as walk:
        await walk.press("ctrl+g", "1")
        await walk.see(lambda: isinstance(walk.app.screen, GoTo))
        await walk.press("enter")
        await walk.see(lambda: walk.page == "welcome")


async def test_little_room_keeps_quit_and_help_and_the_values_before_the_map() -> None:
    async with walking(wizard(FakeBackend(), answered("addresses")), (60, 20)) as walk:
        await walk.see("^q Quit")
        assert "f1 Help" in walk.text
        assert "10.100.100.0/24" in walk.text
        assert "VNET 10.100.0.0/16" not in walk.text, "the map is left out"


async def test_a_page_that_was_left_follows_what_changed_meanwhile() -> None:
    async with walking(wizard(FakeBackend(), answered("naming")), (120, 36)) as walk:
        rail = walk.app.screen.query_one(Rail)
        dark = rail.styles.background
        await walk.go("security")
        walk.app.use_theme(LIGHT)
        walk.app.answer({"names.prefix": "no_name"})
        await walk.pilot.pause()
        await walk.go("naming")
        assert walk.app.screen is rail.screen and rail.styles.background != dark
        seen = {entry.id: entry for entry in rail.entries}
        assert seen["naming"].here and seen["naming"].errors and seen["security"].visited


async def test_the_head_names_the_pages_with_findings() -> None:
    async with walking(wizard(FakeBackend(), answered("welcome"))) as walk:
        await walk.see("7 Serving !1")


async def test_review_begins_with_its_first_group() -> None:
    async with walking(wizard(FakeBackend(), answered("review")), (80, 20)) as walk:
        await walk.see("▾ Sign-in")
        assert "not compared with the cloud yet" in walk.text


async def test_a_waiting_step_names_what_it_waits_for() -> None:
    app = at_page("progress", recorded(20))
    app.running = True
    async with walking(app, (200, 80)) as walk:
        await walk.see("waits for")
        waits = [line for line in walk.text.splitlines() if "waits for" in line]
        assert not any("nsg." in line or "dns-zone" in line for line in waits)


async def test_review_lists_every_answer_and_leads_to_its_field() -> None:
    draft = answered("review")
    draft.put("serving.nodes", 5)
    app = wizard(FakeBackend(), draft)
    async with walking(app) as walk:
        await walk.press("a")
        await walk.see("Answers   ● differs from the default")
        assert "● Prefix                     mlquick01" in walk.text
        assert "  Resource group             rg-mlquick01" in walk.text
        answers = app.screen.query_one(AnswerList)
        asked = {option.id for option in answers.options if option.id}
        sections = (section for page in PAGES for section in page.sections)
        assert {spec.path for name in sections for spec in app.session.specs(name)} == asked
        answers.highlighted = answers.get_option_index("serving.nodes")
        await walk.see("● Nodes                      5")
        await walk.press("enter")
        await walk.see(lambda: walk.page == "serving")
        page = page_of(app, FormPage)
        await walk.see(lambda: page.focused_row and page.focused_row.spec.path == "serving.nodes")
        await walk.go("review")
        await walk.press("a")
        await walk.see("▾ Sign-in")


async def test_a_wide_review_shows_answers_beside_the_steps() -> None:
    async with walking(wizard(FakeBackend(), answered("review")), (120, 36)) as walk:
        await walk.see("● Prefix")
        assert "▾ Sign-in" in walk.text


async def test_the_question_for_a_file_stays_open_with_its_path_and_the_line_of_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("version: 2\nnames: {prefix: a\n  b: [\n")
    async with walking(wizard(FakeBackend(), folder=tmp_path / "sessions")) as walk:
        await walk.see("From another recipe file")
        await walk.press("end", "enter")
        await walk.type("bad.yaml")
        await walk.press("enter")
        await walk.see("Line ")
        assert isinstance(walk.app.screen, AskPath) and "bad.yaml" in walk.text
        await walk.press("backspace")
        await walk.see("bad.yam")


def contrast(one: Color, other: Color) -> float:
    """By WCAG 2.2."""
    lights = sorted(
        0.2126 * r + 0.7152 * g + 0.0722 * b
        for shade in (one, other)
        for r, g, b in [tuple(map(linear, Shade.from_rich_color(shade).rgb))]
    )
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def linear(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("focused", [True, False])
async def test_a_selected_error_can_be_read(theme: object, focused: bool) -> None:
    draft = answered("review")
    draft.put("security.registry_sku", "Basic")
    app = wizard(FakeBackend(), draft)
    async with walking(app) as walk:
        app.theme = getattr(theme, "name", "")
        found = app.screen.query_one("#found", OptionList)
        await walk.see(lambda: found.display)
        (found if focused else app.screen.query_one("#steps")).focus()
        found.highlighted = 0
        await walk.pilot.pause()
        for segment in found.render_line(0):
            style = segment.style
            if segment.text.strip() and style and style.color and style.bgcolor:
                assert contrast(style.color, style.bgcolor) >= READABLE, segment
