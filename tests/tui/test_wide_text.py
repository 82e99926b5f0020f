"""Letters that take two cells: what is padded, cut or placed by columns stays aligned, and no letter is
cut in half."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from support.tui_support import FakeBackend, recorded, walking, wizard
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.widget import Widget

from amlwizard import fields
from amlwizard.draft import new
from amlwizard.errors import Finding
from amlwizard.recipe import Serving
from amlwizard.rules.address_space import Space
from amlwizard.rules.capacity import capacities, load_of
from amlwizard.tui.demo.player import PACES, words
from amlwizard.tui.dialogs import palette
from amlwizard.tui.pages.registry import PAGES
from amlwizard.tui.widgets import address_capacity, address_map, address_paint, rail, timeline
from amlwizard.tui.widgets.address_paint import MapView
from amlwizard.tui.widgets.answer_list import AnswerList
from amlwizard.tui.widgets.choices import Choices
from amlwizard.tui.widgets.explanation import long
from amlwizard.tui.widgets.hanging import hanging
from amlwizard.tui.widgets.key_footer import KeyFooter
from amlwizard.tui.widgets.rail import Rail, RailEntry
from amlwizard.tui.widgets.row import FieldRow
from amlwizard.tui.widgets.scatter import Scatter
from amlwizard.tui.widgets.step_tree import StepLine, StepTree
from amlwizard.view import RunView

NAME = "仮想ネットワークとサブネットの作成"
MIXED = "Azure Databricks ワークスペースのプライベート エンドポイント"
SPEC = replace(
    fields.specs("names")[0],
    title="ワークスペースのコンテナー レジストリの名前",
    description=MIXED * 4,
)
TITLES = st.text("azAZ 日本語、。ｱ\u0301é", min_size=1, max_size=40)


def said(message: str, /, **values: object) -> str:
    """A stand-in for the catalogue: every text in wide letters, with its values."""
    return "日本" + "".join(f" {value}" for value in values.values())


class Shown(App[None]):
    """An app with a widget in it."""

    def __init__(self, make: Callable[[], Widget]) -> None:
        super().__init__()
        self.make = make

    def compose(self) -> ComposeResult:
        yield self.make()


def lines_of(app: App[None]) -> list[str]:
    """The lines on the screen; all are as wide as the screen."""
    lines = [
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    ]
    assert {cell_len(line) for line in lines} == {app.size.width}
    return [line.rstrip() for line in lines]


def renamed(titles: Mapping[str, str]) -> RunView:
    view = recorded(12)
    steps = {
        id: replace(step, info=replace(step.info, title=titles.get(id, NAME)))
        for id, step in view.steps.items()
    }
    return replace(view, steps=steps)


@given(st.data(), st.integers(20, 120))
def test_a_line_of_the_timeline_is_as_wide_as_its_cells(data: st.DataObject, width: int) -> None:
    view = renamed({id: data.draw(TITLES) for id in list(recorded(12).steps)[:6]})
    drawn = timeline.bars(view, {}, view.now)
    total = max(bar.ends for bar in drawn)
    for row in timeline.rows(drawn, width, total):
        assert row.at >= 0 and row.at + cell_len(row.label) <= width
        for now in (None, 3, width - 1):
            assert timeline.paint(row, width, now).cell_length == width


def test_styles_of_the_timeline_are_on_the_cells_that_they_mean() -> None:
    view = renamed({})
    drawn = timeline.bars(view, {}, view.now)
    for row in timeline.rows(drawn, 100, max(bar.ends for bar in drawn)):
        painted = timeline.paint(row, 100, None)
        at = painted.plain.index(row.label)
        assert cell_len(painted.plain[:at]) == row.at
        bold = [span for span in painted.spans if str(span.style) in ("bold", "dim")]
        assert all((span.start, span.end) == (at, at + len(row.label)) for span in bold)


SPACE = Space(
    ("vnet", "workspace", "compute", "scoring", "databricks_public"),
    {
        "vnet": IPv4Network("10.100.0.0/16"),
        "workspace": IPv4Network("10.100.0.0/24"),
        "compute": IPv4Network("10.100.0.0/25"),
        "scoring": IPv4Network("10.100.0.128/25"),
        "databricks_public": IPv4Network("10.100.0.0/26"),
    },
)


@pytest.mark.parametrize("width", [30, 40, 60, 140])
def test_the_map_of_addresses_fits(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (address_map, address_paint):
        monkeypatch.setattr(module, "_", said)
    lines = address_map.draw(MapView.at(SPACE, ""), width, 20)
    assert max(line.cell_length for line in lines) <= width
    assert any("日本" in line.plain for line in lines)
    assert lines[0].cell_length == width, "what is free stands at the right edge"


def test_capacities_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(address_capacity.TITLES, "compute", "コンピューティング")
    rows = capacities(SPACE, load_of(serving=Serving()))
    lines = [line.plain for line in address_capacity.table(rows, "", 80)]
    ends = {cell_len(line[: line.index(f"{row.usable:,}") + len(f"{row.usable:,}")])
            for line, row in zip(lines, rows, strict=True)}  # fmt: skip
    assert len(ends) == 1 and "コンピューティング" in "".join(lines)


async def test_answers_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Page:
        id, title, about, sections, after_start = "p", "ページ", "", ("names",), False

    app = wizard(FakeBackend(), new())
    session = app.session
    specs = fields.specs("names")
    monkeypatch.setattr(session, "specs", lambda section: [SPEC, *specs[1:4]])
    showing = Shown(AnswerList)
    async with showing.run_test(size=(80, 24)):
        answers = showing.query_one(AnswerList)
        answers.show([Page()], session)
        shown = [str(option.prompt) for option in answers.options][1:]
    values = [spec.derived.replace("{prefix}", "<prefix>") for spec in specs[1:4] if spec.derived]
    begins = [cell_len(line[: line.index(v)]) for line, v in zip(shown[1:], values, strict=True)]
    assert len(set(begins)) == 1
    assert "…" in shown[0] and cell_len(shown[0].partition("…")[0]) <= begins[0]


@pytest.mark.parametrize("width", [40, 58, 64])
def test_a_text_beside_a_name_is_wrapped_by_cells(width: int) -> None:
    lines = hanging(MIXED * 3, 15, width).split("\n")
    assert len(lines) > 1 and max(map(cell_len, lines)) <= width - 15 + 15
    assert cell_len(lines[0]) <= width - 15
    assert all(line.startswith(" " * 15) for line in lines[1:])
    assert "".join(lines).replace(" ", "") == MIXED.replace(" ", "") * 3


def test_the_facts_of_a_field_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from amlwizard.tui.widgets import explanation

    names = {"Allowed": "使用できる値", "Example": "例", "Default": "既定値"}
    monkeypatch.setattr(explanation, "_", lambda text, /, **values: names.get(text, text))
    shown = [line.plain for line in long(SPEC, (), 60)]
    facts = [line for line in shown if line.startswith(tuple(names.values()))]
    begins = {cell_len(line) - cell_len(line.lstrip("使用できる値例既定 ")) for line in facts}
    assert len(facts) == 3 and begins == {explanation.NAME}


class Keys(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"nothing_{key}", NAME) for key in "abcdefg"
    ]

    def compose(self) -> ComposeResult:
        yield KeyFooter()


async def test_the_keys_of_the_footer_are_on_one_line() -> None:
    app = Keys()
    async with app.run_test(size=(80, 3)) as pilot:
        await pilot.pause()
        [shown] = [line for line in lines_of(app) if NAME in line]
        assert shown.count(NAME) == 2, "as many as fit"


class WithRail(Shown):
    findings, view = reactive(()), reactive(None)


async def test_the_list_of_pages_keeps_to_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = tuple(
        RailEntry(str(n), n, NAME, here=n == 2, errors=int(n == 3)) for n in range(1, 5)
    )
    monkeypatch.setattr(rail, "entries", lambda wizard: entries)
    app = WithRail(Rail)
    async with app.run_test(size=(21, 8)) as pilot:
        app.query_one(Rail).styles.height = 6
        await pilot.pause()
        shown = lines_of(app)[:4]
        assert [line[1:3].strip() for line in shown] == ["1", "2", "3", "4"]
        assert shown[2].endswith("✗1")
    app = WithRail(Rail)
    async with app.run_test(size=(86, 3)) as pilot:
        app.query_one(Rail).styles.height = 1
        await pilot.pause()
        assert lines_of(app)[0] == f"1  2 {NAME}  3 {NAME} ✗1  4"


async def test_choices_are_packed_by_cells() -> None:
    app = Shown(lambda: Choices(("プライベート", "サービス", "パブリック"), "サービス"))
    async with app.run_test(size=(30, 6)):
        assert lines_of(app)[:3] == ["○ プライベート  ● サービス", "○ パブリック", ""]


@pytest.mark.parametrize("margin", [19, 30])
async def test_a_title_is_not_hidden_by_its_field(margin: int) -> None:
    def make() -> FieldRow:
        row = FieldRow(SPEC, "contoso", lambda changes, run: None)
        row.styles.height = "auto"
        row.styles.padding = (0, 0, 0, 1)
        row.editor.styles.margin = (0, 0, 0, margin)
        return row

    app = Shown(make)
    async with app.run_test(size=(80, 8)) as pilot:
        await pilot.pause()
        row = app.query_one(FieldRow)
        lines = lines_of(app)[: row.size.height]
    titles = [line.strip() for line in lines]
    titles[0] = titles[0].replace("contoso", "").strip()
    if margin == 19:
        assert len(titles) > 2, "more than two lines, beside a field of one"
    assert "".join(titles).replace(" ", "") == SPEC.title.replace(" ", "")
    assert max(map(cell_len, titles)) < margin


async def test_notes_are_below_a_title_of_several_lines() -> None:
    app = Shown(lambda: FieldRow(SPEC, "contoso", lambda changes, run: None))
    async with app.run_test(size=(80, 10)) as pilot:
        row = app.query_one(FieldRow)
        row.styles.height = "auto"
        row.editor.styles.margin = (0, 0, 0, 19)
        row.find(
            [Finding("X-1", "error", (SPEC.path,), "誤った名前です。", fix="変更してください。")]
        )
        await pilot.pause()
        lines = [line.strip() for line in lines_of(app)]
    said = [n for n, line in enumerate(lines) if "誤った名前" in line]
    titled = [n for n, line in enumerate(lines) if line and set(line) <= set(SPEC.title)]
    assert titled and said[0] > max(titled)


async def test_lines_of_the_steps_end_at_the_edge() -> None:
    app = Shown(StepTree)
    async with app.run_test(size=(60, 10)) as pilot:
        tree = app.query_one(StepTree)
        tree.fill([("a", "provision"), ("b", "provision"), ("c", "provision")])
        tree.paint(
            {
                "phase:provision": StepLine("", "プラットフォーム", right="3 個"),
                "a": StepLine("✓", NAME, "done", note=MIXED, right="12 秒"),
                "b": StepLine("✓", "短い", "done", note=MIXED * 2, right="1 分"),
                "c": StepLine("✓", MIXED * 2, "done", right="10 秒"),
            }
        )
        tree.root.expand_all()
        await pilot.pause()
        lines = [line for line in lines_of(app) if line]
    assert {cell_len(line) for line in lines} == {60}
    assert all("秒" in line or "分" in line or "個" in line for line in lines)


async def test_the_axes_of_the_plot_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    from amlwizard.tui.widgets import scatter

    monkeypatch.setattr(scatter, "_", lambda text: {"actual": "実測値"}.get(text, text))
    app = Shown(Scatter)
    async with app.run_test(size=(60, 12)) as pilot:
        app.query_one(Scatter).show([1, 2, 3], [1, 2, 3])
        await pilot.pause()
        [foot] = [line for line in lines_of(app) if "実測値" in line]
    assert cell_len(foot) == 59


@pytest.mark.parametrize(
    ("text", "as_long_as"),
    [
        ("One prefix names everything.", 4),
        ("日本語の字幕です", 4),
        ("Azure の VNET を作成", 4),
        ("", 0),
    ],
)
def test_a_caption_is_shown_as_long_as_it_takes_to_read(text: str, as_long_as: int) -> None:
    assert words(text) == as_long_as
    assert PACES["fast"].of(f"{text} " * 10) == pytest.approx(0.15 * max(8, as_long_as * 10))


async def test_the_list_of_commands_speaks_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"Search for commands…": "コマンドを検索…", "No matches found": "該当なし"}
    monkeypatch.setattr(palette, "_", lambda text: texts.get(text, text))
    async with walking(wizard(FakeBackend(), new())) as walk:
        await walk.press("ctrl+o")
        await walk.see("コマンドを検索…")
        await walk.type("日本語")
        await walk.see("該当なし")
        lines_of(walk.app)  # type: ignore[arg-type]
        assert "No matches" not in walk.text


def test_every_page_is_found_by_its_first_sentence() -> None:
    from amlwizard.tui.help import SENTENCE_END

    assert SENTENCE_END.split("名前を決めます。次に進みます。")[0] == "名前を決めます"
    assert all(". " not in SENTENCE_END.split(page.about)[0] for page in PAGES)
