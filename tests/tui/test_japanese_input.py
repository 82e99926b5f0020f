"""What a Japanese input method types: texts of several wide letters at once, in keys or as a paste."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from support.breadth import breadth
from support.tui_support import Walk, at_page, page_of, recorded, to_field, walking
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.widgets import TextArea

from amlwizard import fields
from amlwizard.tui.pages.form import FormPage
from amlwizard.tui.widgets.row import FieldRow

VNET, PREFIX, TAGS = "addresses.vnet", "names.prefix", "names.tags"
RESERVED, PEERED = "addresses.reserved", "addresses.peered"
WORKERS, REGION = "training.workers", "sign_in.region"


def row_of(walk: Walk, path: str) -> FieldRow:
    row = page_of(walk.app, FormPage).row(path)
    assert row
    return row


async def commit(walk: Walk, text: str, pasted: bool) -> None:
    """Deliver a text as terminals deliver what an input method commits."""
    parser = XTermParser()
    for event in parser.feed(f"\x1b[200~{text}\x1b[201~" if pasted else text):
        assert isinstance(event, Message)
        walk.app.post_message(event)
    await walk.pilot.pause()
    await walk.pilot.pause()


def assert_aligned(walk: Walk) -> None:
    lines = walk.text.split("\n")
    assert {cell_len(line) for line in lines} == {walk.app.size.width}


COMMITTED = [
    (VNET, "１０．２０．０．０／１６", "10.20.0.0/16"),
    (VNET, "１０。２０。０。０／１６", "10.20.0.0/16"),
    (PREFIX, "ａｂｃ１", "abc1"),
    (PREFIX, "日本語", "日本語"),
    (REGION, "ｊａｐａｎｅａｓｔ", "japaneast"),
    (WORKERS, "１２", 12),
    (PEERED, "１０．１．０．０／１６、１０．２．０．０／１６", ["10.1.0.0/16", "10.2.0.0/16"]),
    (RESERVED, "ｈｕｂ＝１０．１．０．０／１６", [{"name": "hub", "range": "10.1.0.0/16"}]),
    (RESERVED, "ｈｕｂ　１０．１．０．０／１６", [{"name": "hub", "range": "10.1.0.0/16"}]),
    (TAGS, '{"所有者": "ＡＩ部　１課"}', {"所有者": "ＡＩ部　１課"}),
]


@pytest.mark.parametrize(
    ("committed", "pasted"),
    [
        (COMMITTED, False),
        (COMMITTED[::4], True),
        breadth([case for n, case in enumerate(COMMITTED) if n % 4], True),
    ],
    ids=["typed", "pasted", "others-pasted"],
)
async def test_a_field_takes_what_an_input_method_commits(
    committed: Sequence[tuple[str, str, object]], pasted: bool
) -> None:
    app = at_page("sign-in", recorded())
    async with walking(app) as walk:
        for path, text, value in committed:
            await to_field(walk, path)
            await walk.press("end", "ctrl+u")
            if isinstance(editor := row_of(walk, path).editor, TextArea):
                editor.clear()
            await walk.see(lambda: not app.session.draft.value(path))  # noqa: B023
            await commit(walk, text, pasted)
            await walk.see(lambda: app.session.draft.value(path) == value)  # noqa: B023
            assert_aligned(walk)
            ascii_ = str(value).isascii() and path != RESERVED
            assert not ascii_ or row_of(walk, path).text.isascii(), (
                f"{path} is shown as it is meant"
            )


@pytest.mark.parametrize("paths", [(VNET, TAGS), breadth((PREFIX, REGION, PEERED))], ids=len)
async def test_wide_letters_can_be_edited_anywhere(paths: Sequence[str]) -> None:
    """More of them than the field is wide, with the cursor through their middle."""
    async with walking(at_page("sign-in", recorded())) as walk:
        for path in paths:
            await to_field(walk, path)
            await commit(walk, "日本語の長い名前とその続き" * 6, pasted=False)
            assert_aligned(walk)
            for key in (
                "home",
                "right",
                "right",
                "backspace",
                "end",
                "left",
                "delete",
                "shift+left",
            ):
                await walk.press(key)
                await walk.pilot.pause()
                assert_aligned(walk)
            await commit(walk, "ｱｲｳé\u0301👩\u200d💻", pasted=False)
            await walk.press("ctrl+left", "backspace", "shift+home")
            await commit(walk, "新", pasted=True)
            assert_aligned(walk)


async def test_what_is_not_ascii_is_refused_in_a_sentence() -> None:
    app = at_page("naming", recorded())
    async with walking(app, (120, 36)) as walk:
        app.go_to_field(PREFIX)
        await walk.press("end", "ctrl+u")
        await commit(walk, "日本語", pasted=False)
        await walk.see("日本語")
        assert any(PREFIX in finding.fields for finding in app.findings)


SPECS = {spec.path: spec for section in fields.sections() for spec in fields.specs(section)}


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("training.notebook", "学習１.py", "学習１.py"),
        ("training.notebook", "ｔｒａｉｎ.py", "ｔｒａｉｎ.py"),
        ("serving.tls_certificate", "証明書１.pem", "証明書１.pem"),
        ("serving.max_surge", "３３％", "33%"),
        ("security.shared_keys", "yes", True),
    ],
)
def test_names_of_files_keep_their_letters(path: str, text: str, value: object) -> None:
    assert fields.typed(SPECS[path], text) == value


async def test_help_says_what_becomes_of_full_width() -> None:
    app = at_page("addresses", recorded())
    async with walking(app, (80, 40)) as walk:
        app.go_to_field(VNET)
        await walk.press("f1")
        await walk.see("letters and digits become half width")
