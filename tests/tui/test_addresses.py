"""The Addresses page: what its map shows of a space, and what its keys do."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tui_support import FakeBackend, page_of, wizard
from textual.events import Paste
from textual.pilot import Pilot

from amlwizard.design.subnets import SUBNETS
from amlwizard.draft import Draft, new
from amlwizard.recipe import Addresses, Sections, Security, Serving
from amlwizard.rules.address_space import OUTSIDE, Range, Space, bounds, space_of
from amlwizard.tui.app import WizardApp
from amlwizard.tui.dialogs.questions import Choose
from amlwizard.tui.pages.addresses import AddressesPage
from amlwizard.tui.widgets.address_bands import Band, Fold, around, bands, unfolded
from amlwizard.tui.widgets.address_capacity import CapacityTable
from amlwizard.tui.widgets.address_map import AddressMap, draw
from amlwizard.tui.widgets.address_paint import MapView

SIZES = [(80, 24), (120, 36), (200, 60)]


# -- what is drawn


@st.composite
def inside(draw: st.DrawFn, outer: IPv4Network, longest: int = 30) -> IPv4Network:
    length = draw(st.integers(outer.prefixlen, longest))
    step = 2 ** (32 - length)
    number = draw(st.integers(0, outer.num_addresses // step - 1))
    return IPv4Network((int(outer.network_address) + number * step, length))


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    whole = IPv4Network("10.0.0.0/8")
    vnet = draw(inside(whole, 26))
    own = {name: draw(inside(vnet) | inside(whole)) for name in SUBNETS}
    out = {name: draw(inside(whole)) for name in OUTSIDE}
    theirs = draw(st.lists(inside(vnet) | inside(whole), max_size=3))
    near = draw(st.lists(inside(whole) | inside(IPv4Network("192.168.0.0/16")), max_size=4))
    return Space(
        ("vnet", *own, *out),
        {"vnet": vnet, **own, **out},
        tuple(Range(f"addresses.reserved.{n}", at, "reserved", "x") for n, at in enumerate(theirs)),
        tuple(Range(f"addresses.peered.{n}", network, "peered") for n, network in enumerate(near)),
    )


def assert_true(lines: list[Band | Fold], ranges: list[Range], shared: bool = False) -> None:
    """Every cell names exactly the ranges that have addresses in it; ranges share one only if they
    overlap."""
    for line in lines:
        if isinstance(line, Fold):
            for found in ranges:
                first, last = bounds(found.network)
                covers = first <= line.first and line.last <= last
                apart = last < line.first or line.last < first
                assert covers if found in line.ranges else apart
            continue
        told: list[tuple[Range, ...]] = [()] * line.columns
        for run in line.runs:
            told[run.start : run.stop] = [run.ranges] * (run.stop - run.start)
        size = line.block.num_addresses
        for n, cell in enumerate(told):
            start = line.first + n * size / line.columns
            stop = line.first + (n + 1) * size / line.columns
            there = [
                r
                for r in ranges
                if bounds(r.network)[0] < stop and bounds(r.network)[1] + 1 > start
            ]
            assert list(cell) == there
            pairs = [(a, b) for a in there for b in there if a is not b]
            assert shared or all(a.network.overlaps(b.network) for a, b in pairs)


@given(spaces(), st.sampled_from([16, 32, 64]), st.sampled_from([0, 0.5, 1, 2]), st.booleans())
def test_a_map_tells_the_truth(space: Space, columns: int, least: float, parts: bool) -> None:
    assert space.vnet
    within = [r for r in space.ranges() if r.kind != "vnet"]
    for root, ranges, lines in (
        (space.vnet, within, bands(space.vnet, within, columns, least, parts)),
        (None, space.ranges(), around(space, columns, least)),
    ):
        if root:  # every address of it, in order
            at = int(root.network_address)
            for line in lines:
                assert line.first == at
                at = line.last + 1 if isinstance(line, Fold) else at + line.block.num_addresses
            assert at == int(root.broadcast_address) + 1
            assert_true(lines, ranges)
        else:
            inside = ("subnet", "reserved")
            lost = [
                r for r in ranges if r.kind not in inside or not r.network.subnet_of(space.vnet)
            ]
            assert_true(lines, lost)
            drawn = {r for line in lines for r in _named(line)}
            assert drawn == set(lost)


def _named(line: Band | Fold) -> set[Range]:
    if isinstance(line, Fold):
        return set(line.ranges)
    return {found for run in line.runs for found in run.ranges}


@given(spaces(), st.integers(38, 90), st.integers(8, 60))
def test_a_map_keeps_to_its_place_and_says_every_overlap(
    space: Space, wide: int, high: int
) -> None:
    lines = draw(MapView.at(space, "addresses.compute"), wide, high)
    assert len(lines) <= high
    assert all(line.cell_length <= wide for line in lines)
    text = "\n".join(map(str, lines))
    assert ("share" in text) == any(space.overlaps())


def plain(addresses: dict[str, Any], width: int, height: int, entry: str = "none") -> list[str]:
    made = Addresses.model_validate(addresses)
    security = Security.model_validate({"secure_entry": entry})
    space = space_of(Sections(addresses=made, security=security, serving=Serving()))
    return [line.plain.rstrip() for line in draw(MapView.at(space, ""), width, height)]


def test_the_default_plan_on_a_small_screen() -> None:
    assert plain({}, 39, 11) == [
        "VNET 10.100.0.0/16   65,536 · 98 % free",
        "       ▁▁▁▁▁▁▁▁▁▁▁▁▆▆▁▆▁▁▁▁▁▁▁▁▁▆▆▁▁▁▁▁",
        " .0    ········· 24,576 free ··········",
        " .96   ········WS··················CO··",
        " .112  ················SC··············",
        " .128  ········· 16,384 free ··········",
        " .192  ················PU··············",
        " .208  ····PV··························",
        " .224  ·········· 8,192 free ··········",
        "Private addresses around it",
        " 10    S···········V·················P·",
    ]


def test_an_overlap_on_a_large_screen() -> None:
    changes = {"compute": "10.100.100.128/25", "peered": ["10.0.0.0/20"]}
    lines = plain(changes, 50, 28, "bastion")
    assert "10.100.100.0   WS╱╱╱╱╱╱╱╱╱╱╱╱╱╱WS╳CO╳╳╳╳╳╳╳╳╳╳╳" in lines[8]
    assert "10.100.250.0   BA──────························" in lines[18]
    assert "10.0.0.0       ╳╳SV╱╱╱╱╱╱╱╱" in lines[21]
    assert lines[-2:] == [
        "✗ WS╳CO share 128: 10.100.100.128 – 10.100.100.255",
        "✗ SV╳PE share 4,096: 10.0.0.0 – 10.0.15.255",
    ]


def test_subnets_of_others_are_drawn_in_the_vnet() -> None:
    lines = plain({"reserved": [{"name": "snet-x", "range": "10.100.98.0/24"}]}, 50, 28)
    assert any("RE" in line and "WS" in line for line in lines), lines
    over = plain({"reserved": [{"name": "snet-x", "range": "10.100.100.0/25"}]}, 50, 28)
    assert over[-1] == "✗ WS╳RE share 128: 10.100.100.0 – 10.100.100.127"


def test_an_overlap_on_a_small_screen() -> None:
    changes = {"compute": "10.100.100.128/25", "peered": ["10.0.0.0/20"]}
    lines = plain(changes, 39, 13, "bastion")
    assert len(lines) == 13
    assert " .96   ········W╳" in lines[3]
    assert lines[-1] == "✗ SV╳PE share 4,096 from 10.0.0.0"


@given(spaces(), st.integers(0, 80))
def test_folds_open_where_there_is_room_alone(space: Space, height: int) -> None:
    assert space.vnet
    lines = bands(space.vnet, [r for r in space.ranges() if r.kind != "vnet"], 32, 1, True)
    opened = unfolded(lines, height)
    count = sum(line.lines if isinstance(line, Fold) else 1 for line in opened)
    assert count <= max(height, len(lines))
    for before, after in zip(lines, opened, strict=True):
        assert before == after or (isinstance(after, Fold) and after.lines == len(after.blocks))


# -- what the page does


def named() -> Draft:
    draft = new()
    draft.put("names.prefix", "team01")
    return draft


async def opened(pilot: Pilot[int], field: str = "addresses.vnet") -> AddressesPage:
    app = pilot.app
    assert isinstance(app, WizardApp)
    app.go_to_field(field)
    await pilot.pause()
    page = app.screen
    assert isinstance(page, AddressesPage)
    while not page._whole:
        await pilot.pause()
    app.go_to_field(field)
    await pilot.pause()
    return page


async def type_over(pilot: Pilot[int], text: str) -> None:
    await pilot.press("end", "ctrl+u", *text)
    await pilot.pause()


async def paste_over(pilot: Pilot[int], text: str) -> None:
    await pilot.press("end", "ctrl+u")
    pilot.app.post_message(Paste(text))
    await pilot.pause()
    await pilot.pause()


def drawn(page: AddressesPage) -> str:
    return str(page.query_one(AddressMap).render())


def values(app: WizardApp) -> dict[str, Any]:
    return dict(app.session.draft.answers["addresses"])


@pytest.mark.parametrize("size", SIZES)
async def test_all_of_it_has_room(size: tuple[int, int]) -> None:
    app = wizard(FakeBackend(), named())
    async with app.run_test(size=size) as pilot:
        page = await opened(pilot)
        form = page.query_one("#form")
        assert form.max_scroll_y == 0
        for row in page.rows:
            if row.display:
                long = max(len(row.spec.title), 0)
                assert row.editor.region.x - row.region.x > long, row.spec.title
                assert row.editor.size.width >= len("255.255.255.255/32"[:18]), row.editor.size
        for part in (AddressMap, CapacityTable):
            region = page.query_one(part).region
            assert page.region.contains_region(region) and region.height >= 6
        assert "VNET 10.100.0.0/16" in drawn(page) and "98 % free" in drawn(page)


async def test_an_overlap_is_lit_in_both_as_it_is_typed_and_cured_by_a_key() -> None:
    app = wizard(FakeBackend(), named())
    async with app.run_test(size=(120, 36)) as pilot:
        page = await opened(pilot, "addresses.compute")
        before = values(app)
        assert "╳" not in drawn(page)
        await type_over(pilot, "10.100.100.128/25")
        assert "WS╳CO share 128" in drawn(page) and "WS╱" in drawn(page)
        for name in ("workspace", "compute"):
            row = page.row(f"addresses.{name}")
            assert row and [f.rule for f in row.findings] == ["SN-5"] and row.has_class("-error")
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert "╳" not in drawn(page) and not app.session.errors
        typed = {**before, "compute": "10.100.100.128/25"}
        assert values(app) == {**typed, "workspace": "10.100.101.0/24"}
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert values(app) == typed and "╳" in drawn(page)


async def test_what_is_half_typed_leaves_the_rest_of_the_map() -> None:
    app = wizard(FakeBackend(), named())
    async with app.run_test(size=(120, 36)) as pilot:
        page = await opened(pilot, "addresses.compute")
        await type_over(pilot, "10.100.1")
        text = drawn(page)
        assert "WS" in text and "SC" in text and "CO" not in text


async def test_a_free_plan_asks_before_it_replaces_what_was_typed() -> None:
    app = wizard(FakeBackend(), named())
    async with app.run_test(size=(120, 36)) as pilot:
        page = await opened(pilot, "addresses.peered")
        await paste_over(pilot, "10.100.0.0/16, 10.101.0.0/16")
        await pilot.press("f2")  # nobody chose those: no question
        await pilot.pause()
        assert values(app)["vnet"] == "10.102.0.0/16" and not app.session.errors
        assert values(app)["scoring"] == "10.102.120.0/24"
        app.go_to_field("addresses.compute")
        await paste_over(pilot, "10.102.120.0/24")
        typed = values(app)
        await pilot.press("f2")
        await pilot.pause()
        assert page_of(app, Choose)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is page and values(app) == typed
        await pilot.press("f2")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert not app.session.errors
        assert values(app) == {**typed, "scoring": "10.102.121.0/24"}
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert values(app) == typed
        await pilot.press(*["ctrl+z"] * 3)  # what was typed, what it was typed over, the first plan
        await pilot.pause()
        assert values(app)["vnet"] == "10.100.0.0/16"


async def test_no_room_is_said() -> None:
    draft = named()
    private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
    draft.put("addresses.on_premises", private)
    app = wizard(FakeBackend(), draft)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        before = values(app)
        await pilot.press("f2")
        await pilot.pause()
        (told,) = app._notifications
        assert "no room" in told.title and "On-premises ranges" in told.message
        assert values(app) == before


async def test_a_good_plan_is_left_alone() -> None:
    app = wizard(FakeBackend(), named())
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        before = values(app)
        await pilot.press("f2")
        await pilot.pause()
        assert values(app) == before and len(app._notifications) == 1


async def test_only_ranges_in_use_are_asked_for() -> None:
    draft = named()
    app = wizard(FakeBackend(), draft)
    async with app.run_test(size=(120, 36)) as pilot:
        page = await opened(pilot)

        def asked() -> set[str]:
            return {row.spec.name for row in page.rows if row.display}

        extra = {"bastion", "gateway", "vpn_clients"}
        assert not asked() & extra and "pod_cidr" in asked()
        app.answer({"security.secure_entry": "vpn-gateway", "serving.network": "node-subnet"})
        await pilot.pause()
        assert asked() & extra == {"gateway", "vpn_clients"} and "pod_cidr" not in asked()
        assert "GW" in drawn(page) and "CL" in drawn(page)


async def test_form_and_map_point_at_each_other() -> None:
    app = wizard(FakeBackend(), named())
    async with app.run_test(size=(120, 36)) as pilot:
        page = await opened(pilot, "addresses.scoring")
        map_, room = page.query_one(AddressMap), page.query_one(CapacityTable)

        def lit(text: str) -> list[str]:
            return [line.strip() for line in text.splitlines() if "▸" in line]

        (line,) = lit(drawn(page))
        assert "SC" in line
        (line,) = lit(str(room.render()))
        assert "Scoring" in line
        text = drawn(page).splitlines()
        y = next(n for n, line in enumerate(text) if "PV" in line)
        offset = (text[y].index("PV"), y)
        await pilot.hover(AddressMap, offset=offset)
        await pilot.pause()
        row = page.row("addresses.databricks_private")
        assert row and row.has_class("-pointed")
        (line,) = lit(drawn(page))
        assert "PV" in line
        await pilot.click(AddressMap, offset=offset)
        await pilot.pause()
        assert page.focused_row is row
        workspace = page.row("addresses.workspace")
        assert workspace
        await pilot.hover(workspace)
        await pilot.pause()
        (line,) = lit(drawn(page))
        assert "WS" in line
        await pilot.hover(CapacityTable, offset=(5, 2))
        await pilot.pause()
        assert any("CO" in line for line in lit(drawn(page)))
        assert map_.size.height


async def test_too_many_nodes_are_told_where_they_do_not_fit() -> None:
    draft = named()
    draft.put("training.workers", 251)
    app = wizard(FakeBackend(), draft)
    async with app.run_test(size=(120, 36)) as pilot:
        page = await opened(pilot)
        text = str(page.query_one(CapacityTable).render())
        assert text.count("252 of 251 nodes  ✗") == 2
        await pilot.press("f2")
        await pilot.pause()
        assert "252 of 507 nodes" in str(page.query_one(CapacityTable).render())
