"""What the documents for contributors name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import ROOT

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
