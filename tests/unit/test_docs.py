"""What the documents for contributors name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

from amlwizard.cli.arguments import parser

PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


def there(name: str) -> bool:
    """At the top, or anywhere in the package or the tests."""
    folders = (ROOT / "src" / "amlwizard", ROOT / "tests")
    return (ROOT / name).exists() or any(any(folder.glob(f"**/{name}")) for folder in folders)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text()
    names = re.findall(r"`([\w./]+\.(?:py|md|tcss|toml|txt|jsonl))`", text)
    lost = [name for name in names if not there(name)]
    links = re.findall(r"\]\(([\w./-]+)\)", text)
    assert lost == [] and all((page.parent / link).exists() for link in links)


READMES = [*PAGES, ROOT / "README.md", ROOT / "src" / "amlwizard" / "sandbox" / "README.md"]
MEANT = {"T": "sandbox", "CAPTURE": "capture.jsonl", "...": "c.yaml", "N": "2", "COMMAND": "check"}


def commands_of(text: str) -> Iterator[list[str]]:
    """The commands of ours that a page shows, each with what it leaves open filled in."""
    shown = re.findall(r"^    (amlwizard(?: \S+)*)", text, re.M)
    inline = re.findall(r"`(amlwizard [^`]*--[^`]*)`", text.replace("\n", " "))
    for line in [*shown, *inline]:
        words = re.sub(r"[][]", "", line).replace("CAPTURE...", "CAPTURE").split()[1:]
        yield [MEANT.get(word, word.partition("|")[0]) for word in words]


@pytest.mark.parametrize("page", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_that_a_page_shows_are_taken_by_our_own_parser(page: Path) -> None:
    shown = commands_of(page.read_text(encoding="utf-8"))
    assert [words for words in shown if not taken(words)] == []


def taken(words: list[str]) -> bool:
    try:
        return bool(parser().parse_args(words))
    except SystemExit as end:
        return end.code == 0
