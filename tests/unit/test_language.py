"""The language of a process, and the catalogues of its texts."""

from __future__ import annotations

import argparse
import ast
import gettext
import inspect
import io
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from babel.messages import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from support import ROOT

from amlwizard import language, notebook
from amlwizard.cli.parser_messages import MESSAGES
from amlwizard.notebook.cell_titles import TITLES


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja"}, "ja"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ja_JP.eucJP"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "AMLWIZARD_LANG": "en"}, "en"),
        ({"LANG": "C", "AMLWIZARD_LANG": "ja"}, "ja"),
        ({"AMLWIZARD_LANG": "JA-jp"}, "ja"),
        ({"AMLWIZARD_LANG": "klingon"}, "en"),
    ],
)
def test_the_environment_chooses_the_language(
    variables: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (language.VARIABLE, *language.OF_A_LOCALE):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language.chosen() == chosen


def test_a_text_takes_values_and_numbers() -> None:
    assert language._("{a} of {b}", a=1, b="x{y}") == "1 of x{y}"
    assert language._("a brace { alone") == "a brace { alone"
    counted = [
        language._n("{n} subnet of {vnet}", "{n} subnets of {vnet}", n, vnet="v") for n in (1, 2)
    ]
    assert counted == ["1 subnet of v", "2 subnets of v"]


def test_sentences_are_joined_without_empty_ones() -> None:
    assert language.sentences("One.", "", "Two.") == "One. Two."
    assert language.sentences("", "") == ""


def test_argparse_asks_for_the_messages_that_the_catalogue_has_for_it() -> None:
    source = inspect.getsource(argparse).encode().decode("unicode_escape")
    assert [message for message in MESSAGES if message not in source] == []


def test_the_catalogue_has_the_titles_of_our_cells() -> None:
    folder = Path(notebook.__file__).parent
    names = [str(f.relative_to(folder).with_suffix("")) for f in folder.rglob("*.py")]
    sources = [name for name in names if notebook.source(name).startswith(notebook.HEADER)]
    cells = [notebook.parameters_cell({}), *chain.from_iterable(map(notebook.cells_of, sources))]
    assert {cell.partition("\n")[0].removeprefix("# ") for cell in cells} <= {*TITLES}


FILES = sorted(language.CATALOGUES.glob("*/LC_MESSAGES/*.po"))
MAPPINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
PLACES = re.compile(r"\{[^{}]*\}|%(?:\(\w+\))?[rs]")


def texts_of(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a message is in English, and its translations; several of a text about a number of things."""
    english, other = message.id, message.string or ""
    return (
        (english,) if isinstance(english, str) else tuple(english),
        (other,) if isinstance(other, str) else tuple(other),
    )


def translated() -> Iterator[Message]:
    for file in FILES:
        with file.open("rb") as opened:
            yield from (message for message in read_po(opened) if message.id)


def test_every_text_of_the_source_is_in_every_catalogue_and_no_other() -> None:
    """`make catalogues` puts what is missing there, without a translation."""
    found = extract_from_dir(
        ROOT / "src" / "amlwizard",
        [(one["pattern"], one["method"]) for one in MAPPINGS],
        {one["pattern"]: one for one in MAPPINGS},
        {"_": None, "_n": (1, 2)},
    )
    source = {id if isinstance(id, str) else id[0] for _, _, id, _, _ in found}
    for file in FILES:
        with file.open("rb") as opened:
            kept = {texts_of(message)[0][0] for message in read_po(opened) if message.id}
        assert kept == source


LOOKED_UP = ("cloud/notebook.py", "recipe/file.py")
"""Where a text is one of a list that is written elsewhere: titles of cells, messages of YAML's parser."""


CALLED = re.compile(r"\b_n?\s*\(")


def test_no_text_is_hidden_from_the_extraction() -> None:
    """It reads neither a text that is put together where it is given, nor what is within an f-string."""

    def is_seen(call: ast.Call, texts: int) -> bool:
        return all(isinstance(given, ast.Constant) for given in call.args[:texts])

    source = ROOT / "src" / "amlwizard"
    for file in {*source.rglob("*.py")} - {source / name for name in LOOKED_UP}:
        text = file.read_text(encoding="utf-8")
        if not CALLED.search(text):
            continue
        tree = ast.parse(text)
        within = {
            id(part) for f in ast.walk(tree) if isinstance(f, ast.JoinedStr) for part in ast.walk(f)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                texts = {"_": 1, "_n": 2}.get(node.func.id, 0)
                hidden = bool(texts) and (id(node) in within or not is_seen(node, texts))
                assert not hidden, f"{file}:{node.lineno}"


def test_every_text_is_translated_with_what_stands_for_values() -> None:
    for message in translated():
        english, other = texts_of(message)
        assert all(other) and not message.fuzzy, english[0]
        for text in other:
            assert {*PLACES.findall(text)} == {*PLACES.findall(english[-1])}, text


def test_what_gettext_reads_is_what_the_catalogues_say() -> None:
    for file in FILES:
        with file.open("rb") as opened:
            built = io.BytesIO()
            write_mo(built, read_po(opened))
        assert built.getvalue() == file.with_suffix(".mo").read_bytes()


def test_a_catalogue_is_read_by_gettext() -> None:
    japanese = gettext.translation(language.DOMAIN, language.CATALOGUES, ["ja"])
    assert japanese.gettext("usage: ") != "usage: "
