"""Where lines of Japanese texts end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich import _wrap
from rich.console import Console
from rich.table import Table
from rich.text import Text
from textual.content import Content

from amlwizard.line_breaks import let_lines_end_between_letters

AS_RICH_HAS_IT = re.compile(r"\s*\S+\s*")
TEXT = "AKS ノード用。アップグレード時に「追加」されるノードも含め、ノードごとに"
FILLED = ["AKS ノード用。", "アップグレード時に", "「追加」されるノード", "も含め、ノードごとに"]


@pytest.fixture(autouse=True, scope="module")
def between_letters() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_wrap, "re_word", _wrap.re_word)
        patch.setattr(Text, "rstrip_end", Text.rstrip_end)
        let_lines_end_between_letters()
        yield


def words(text: str) -> list[str]:
    return [word for _, _, word in _wrap.words(text)]


def test_a_japanese_sentence_fills_its_lines_in_rich_and_textual() -> None:
    said = StringIO()
    Console(file=said, width=20).print(TEXT)
    assert said.getvalue().splitlines() == FILLED
    assert [line.plain.rstrip() for line in Content(TEXT).wrap(20)] == FILLED


def test_a_space_after_a_line_that_is_full_costs_no_letter() -> None:
    said, table = StringIO(), Table.grid()
    table.add_column(width=12)
    table.add_row(Text("セキュリティ グループ"))
    Console(file=said, width=20).print(table)
    assert [line.rstrip() for line in said.getvalue().splitlines()] == ["セキュリティ", "グループ"]


def test_punctuation_stays_with_its_letter() -> None:
    assert words("ああ。い") == ["あ", "あ。", "い"]
    assert words("あ「い」、Azure の") == ["あ", "「い」、", "Azure ", "の"]
    assert words("円 (1 日)、") == ["円 ", "(1 ", "日)、"]
    assert words("(約 5 %)") == ["(約 ", "5 ", "%)"]
    assert words("Azure。ユーザー") == ["Azure。", "ユーザー"]


@given(st.text("ab（(「。)あア漢 \n.", max_size=30))
def test_no_letter_is_lost(text: str) -> None:
    assert "".join(words(text)) == (text if text.strip() else "")


@given(st.text(st.characters(max_codepoint=0x2FFF), max_size=30))
def test_other_texts_keep_their_words(text: str) -> None:
    assert words(text) == AS_RICH_HAS_IT.findall(text)
