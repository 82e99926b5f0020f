"""The form: fed by fields, checked as one types."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from support import ROOT
from support.tui_support import FakeBackend, Walk, page_of, to_field, walking, wizard
from textual.events import Key, Paste
from textual.widgets import Input

from amlwizard.errors import Finding
from amlwizard.tui.dialogs.pick_file import PickFile
from amlwizard.tui.pages.form import FormPage
from amlwizard.tui.widgets.row import FieldRow

pytestmark = pytest.mark.asyncio
PEERED, PREFIX = "addresses.peered", "names.prefix"


def editor(walk: Walk, path: str) -> Input:
    page = walk.app.screen
    assert isinstance(page, FormPage)
    row = page.row(path)
    assert row and isinstance(row.editor, Input)
    return row.editor


async def test_names_follow_the_prefix_as_it_is_typed_and_findings_stand_below(
    tmp_path: Path,
) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app) as walk:
        app.go("naming")
        await walk.see("everything is called")
        await walk.type("ab_x")
        await walk.see("gives names that Azure refuses")
        await walk.see("crab_x")
        page = app.screen
        assert isinstance(page, FormPage)
        registry = page.row("names.registry")
        assert registry and [f.rule for f in registry.findings] == ["NM-1"]
        assert app.session.draft.value("names.prefix") == "ab_x"


async def test_every_character_is_taken_in_order_while_rows_come_and_the_cloud_answers(
    tmp_path: Path,
) -> None:
    """Somebody types faster than the page fills, and what others find meanwhile redraws it."""
    app = wizard(FakeBackend(), folder=tmp_path)
    text = "abcdefghijklmnopqr"
    async with walking(app) as walk:
        app.go("naming")
        await walk.see(lambda: isinstance(app.screen, FormPage) and app.screen.focused_row)
        assert app._driver
        for n, character in enumerate(text):
            app._driver.send_message(Key(character, character))
            for _ in range(n % 9):  # from the key's arrival at the app to its effect on the answers
                await asyncio.sleep(0)
            found = Finding("TAKEN", "error", ("names.registry",), f"Taken {n}.")
            app.call_later(app.cloud_findings, app.session.reading.recipe, [found])
        await walk.see(text)
        await walk.pilot.pause()
        assert app.session.draft.value("names.prefix") == editor(walk, "names.prefix").value == text
        assert editor(walk, "names.registry").placeholder == f"cr{text}"


async def test_arrow_keys_move_between_fields_of_a_page_that_is_longer_than_the_screen(
    tmp_path: Path,
) -> None:
    async with walking(wizard(FakeBackend(), folder=tmp_path)) as walk:
        await walk.go("naming")
        page = page_of(walk.app, FormPage)
        paths = [row.spec.path for row in page.rows][:3]
        for path in paths:
            assert page.focused_row and page.focused_row.spec.path == path
            await walk.press("down")
        await walk.press("up")
        assert page.focused_row and page.focused_row.spec.path == paths[-1]


async def test_a_notebook_is_picked_and_its_parameters_are_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "notebooks" / "classifier.py", folder)
    (folder / "broken.ipynb").write_text("{}")
    (folder / "data.csv").write_text("a")
    app = wizard(FakeBackend(), folder=tmp_path / "home")
    async with walking(app) as walk:
        await walk.go("training")
        await to_field(walk, "training.notebook")
        await walk.see("Load the diabetes data")
        await walk.press("right")
        await walk.see(lambda: isinstance(app.screen, PickFile))
        await walk.press("enter")
        await walk.see("classifier.py")
        assert "data.csv" not in walk.text
        await walk.press("enter")
        await walk.see("✗ broken.ipynb is not a Jupyter notebook")
        await walk.press("shift+tab")
        await walk.type("none.py")
        await walk.press("enter")
        await walk.see("There is no file")
        await walk.press("tab", "down", "enter")
        await walk.see("● notebooks/classifier.py")
        await walk.see("1 People who answer  line 7")
        await to_field(walk, "training.parameters.trees")
        await walk.type("25")
        await walk.see(lambda: app.session.draft.value("training.parameters") == {"trees": 25})
        await walk.press("up", "left")
        await walk.see("● the example")
        await walk.see("alpha")
        assert app.session.draft.value("training.notebook") is None
        await walk.press("right")
        await walk.see("● notebooks/classifier.py")


@pytest.mark.parametrize(
    ("page", "field", "listed", "unlisted"),
    [
        ("training", "training.data", "rows.csv", "score.py"),
        ("serving", "serving.script", "score.py", "conda.yaml"),
        ("serving", "serving.environment", "conda.yaml", "rows.csv"),
    ],
)
async def test_a_file_beside_the_recipe_is_picked_for_each_field_that_names_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    field: str,
    listed: str,
    unlisted: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("rows.csv", "score.py", "conda.yaml"):
        (tmp_path / name).write_text("a: 1\n")
    app = wizard(FakeBackend(), folder=tmp_path / "home")
    async with walking(app) as walk:
        await walk.go(page)
        await to_field(walk, field)
        await walk.see("Pick a file")
        await walk.press("f3")
        await walk.see(listed)
        assert unlisted not in walk.text
        await walk.press("enter")
        await walk.see(lambda: app.session.draft.value(field) == listed)
        await walk.see(listed)
        await walk.press("ctrl+z")
        await walk.see(lambda: app.session.draft.value(field) is None)


async def test_no_file_is_picked_for_a_field_that_names_none(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path / "home")
    async with walking(app) as walk:
        await walk.go("training")
        await to_field(walk, "training.mlflow")
        assert "Pick a file" not in walk.text
        await walk.press("f3")
        assert isinstance(app.screen, FormPage)


async def test_what_is_wrong_with_a_notebook_stands_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("x = 1\ndef broken(:\n")
    app = wizard(FakeBackend(), folder=tmp_path / "home")
    async with walking(app) as walk:
        await walk.go("training")
        app.answer(app.session.choose_notebook("own.py"))
        await walk.see("own.py, cell 1, line 2")
        assert isinstance(app.screen, FormPage)
        row = app.screen.row("training.notebook")
        assert row and [finding.rule for finding in row.findings] == ["NB-1"]


# -- pastes


def notes(row: FieldRow) -> str:
    """What stands under a field."""
    return "\n".join(str(note.render()) for note in row.query(".notes"))


async def paste(walk: Walk, text: str) -> None:
    """Paste as a terminal does with bracketed paste."""
    walk.app.post_message(Paste(text))
    await walk.pilot.pause()
    await walk.pilot.pause()


async def test_a_pasted_list_is_taken_whole_and_said(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app, size=(120, 40)) as walk:
        await walk.go("addresses")
        await to_field(walk, PEERED)
        await paste(walk, "10.1.0.0/16\n10.2.0.0/16\r\n10.3.0.0/16\n")
        whole = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]
        assert app.session.draft.value(PEERED) == whole
        await walk.see("✓ 3 ranges pasted.")
        await paste(walk, '["10.4.0.0/16", "10.5.0.0/16"]')
        assert app.session.draft.value(PEERED) == [*whole, "10.4.0.0/16", "10.5.0.0/16"]
        await walk.press("ctrl+z")
        assert app.session.draft.value(PEERED) == whole
        assert editor(walk, PEERED).value == ", ".join(whole)


async def test_what_is_no_range_in_a_paste_is_named_under_the_field_in_red(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app, size=(120, 40)) as walk:
        await walk.go("addresses")
        await to_field(walk, PEERED)
        await paste(walk, "hub\t10.1.0.0/16\nspoke\t10.2.0.0/16")
        row = page_of(app, FormPage).row(PEERED)
        assert row and row.has_class("-error")
        said = "2 ranges pasted. Not taken, as they are not address ranges: hub, spoke."
        assert said in notes(row)
        await walk.type(",")
        await walk.pilot.pause()
        assert not notes(row) and not row.has_class("-error")


async def test_the_finding_of_an_item_stands_under_its_list(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app, size=(120, 40)) as walk:
        await walk.go("addresses")
        await to_field(walk, PEERED)
        await walk.type("10.1.0.0/16 10.2.0.0")
        row = page_of(app, FormPage).row(PEERED)
        assert row and [f.fields for f in row.findings] == [(f"{PEERED}.1",)]
        assert row.has_class("-error")
        assert "'10.2.0.0' has no prefix length. Add it, such as 10.2.0.0/16." in notes(row)


async def test_several_lines_are_refused_where_one_is_taken(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app) as walk:
        await walk.go("naming")
        await to_field(walk, PREFIX)
        await walk.type("ab")
        await paste(walk, "myteam\nother\n")
        assert app.session.draft.value(PREFIX) == "ab"
        await walk.see("Not taken: one line is expected here, and the text has 2.")
        await paste(walk, "cd\n")
        assert app.session.draft.value(PREFIX) == "abcd"
        assert "Not taken" not in walk.text


async def test_pastes_and_keys_arrive_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app) as walk:
        await walk.go("naming")
        await to_field(walk, PREFIX)
        for event in (Key("a", "a"), Paste("bc\n"), Key("d", "d"), Key("tab", None),
                      Paste("rg-x"), Key("y", "y")):  # fmt: skip
            app.post_message(event)
        await walk.pilot.pause()
        await walk.pilot.pause()
        draft = app.session.draft
        assert (draft.value(PREFIX), draft.value("names.resource_group")) == ("abcd", "rg-xy")


# -- undo


async def test_what_was_typed_is_undone_and_done_again_on_every_page(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    draft = app.session.draft
    async with walking(app) as walk:
        await walk.go("naming")
        await to_field(walk, PREFIX)
        await walk.type("team")
        await paste(walk, "01")
        await walk.press("backspace", "down")
        await walk.type("rg-x")
        expected: tuple[str | None, str | None]
        for expected in (("team0", None), ("team01", None), ("team", None), (None, None)):
            await walk.press("ctrl+z")
            assert (draft.value(PREFIX), draft.value("names.resource_group")) == expected
        assert editor(walk, PREFIX).value == "" and editor(walk, PREFIX).has_focus
        for expected in (("team", None), ("team01", None), ("team0", None), ("team0", "rg-x")):
            await walk.press("ctrl+y")
            assert (draft.value(PREFIX), draft.value("names.resource_group")) == expected
        await walk.press("ctrl+y")
        assert draft.value("names.resource_group") == "rg-x"


async def test_a_cure_is_undone_where_it_was_made(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    region = "sign_in.region"
    async with walking(app) as walk:
        await walk.go("sign-in")
        await to_field(walk, region)
        await walk.press("ctrl+u")
        await walk.type("West Europe")
        await walk.press("ctrl+r")
        assert app.session.draft.value(region) == "westeurope"
        await walk.see("^z Undo")
        await walk.go("naming")
        await walk.press("ctrl+z")  # takes one to where it happens
        assert app.session.draft.value(region) == "West Europe"
        await walk.see(lambda: walk.page == "sign-in" and editor(walk, region).has_focus)


async def test_undo_is_handled_in_the_order_of_the_keys(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    async with walking(app) as walk:
        await walk.go("naming")
        await to_field(walk, PREFIX)
        for key, character in (("a", "a"), ("b", "b"), ("ctrl+z", None), ("c", "c"), ("d", "d")):
            app.post_message(Key(key, character))
        await walk.pilot.pause()
        await walk.pilot.pause()
        assert app.session.draft.value(PREFIX) == "cd" == editor(walk, PREFIX).value


async def test_json_is_undone_by_its_editor_first(tmp_path: Path) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    request = "scoring.request"
    async with walking(app) as walk:
        await walk.go("naming")
        await to_field(walk, PREFIX)
        await walk.type("team")
        await walk.go("serving")
        await to_field(walk, request)
        before = app.session.draft.value(request)
        await walk.type("x")
        assert app.session.draft.value(request) != before
        await walk.press("ctrl+z")
        assert app.session.draft.value(request) == before and walk.page == "serving"
        await walk.press("ctrl+y")
        assert app.session.draft.value(request) != before
        await walk.press("ctrl+z", "ctrl+z")
        assert app.session.draft.value(PREFIX) is None and walk.page == "naming"


# -- files with errors


async def test_an_unknown_key_is_told_and_removed_and_a_draft_with_errors_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "extra.yaml"
    file.write_text("names: {prefix: abc}\nbanana: 3  # ripe\nserving: {nodes: 0}\n")
    app = wizard(FakeBackend(), folder=tmp_path / "home")
    async with walking(app, size=(120, 40)) as walk:
        draft = app.draft_from(file)
        assert draft
        await walk.see("banana is not a key of a recipe.")
        app.open_draft(draft, "review")
        await walk.see("2 errors")
        await walk.press("s", "enter")
        await walk.see("It has 2 errors to correct before it can be built.")
        assert "banana: 3  # ripe" in file.read_text()
        await walk.press("down", "ctrl+r")
        assert "banana" not in app.session.draft.answers
        await walk.press("home", "enter")
        await walk.see(lambda: walk.page == "serving")
        await walk.press("ctrl+z")
        assert app.session.draft.value("banana") == 3


async def test_a_name_that_follows_from_the_prefix_is_not_taken_once_the_prefix_changes(
    tmp_path: Path,
) -> None:
    app = wizard(FakeBackend(), folder=tmp_path)
    app.session.put({PREFIX: "mlquick01"})
    app.cloud_findings(
        app.session.reading.recipe, [Finding("TAKEN", "error", ("names.registry",), "Taken.")]
    )
    assert "TAKEN" in {finding.rule for finding in app.session.findings}
    app.session.put({PREFIX: "contoso"})
    assert "TAKEN" not in {finding.rule for finding in app.session.findings}
