"""The pictures in screens/ are what the app draws. Where one differs, the new one is kept beside."""

from __future__ import annotations

import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import pytest
from pictures import PICTURES, SCREENS, SIZES, TRANSLATED, drawn, pages, runs, text_of
from support import ROOT, environment

from amlwizard.language import LANGUAGES

NEW = ROOT / "build" / "screens"
SCENES = (pages, runs)
NARROW = min(SIZES)
SIZES_OF_TESTS = [
    pytest.param(
        size, marks=() if size == NARROW else pytest.mark.breadth, id=f"{size[0]}x{size[1]}"
    )
    for size in SIZES
]


def test_every_picture_has_a_scene_and_every_scene_its_pictures() -> None:
    wanted = {one.file(size).name for one in PICTURES.values() for size in SIZES}
    assert {path.name for path in SCREENS.glob("*.svg")} == wanted, "make pictures draws them"


@pytest.mark.parametrize("size", SIZES_OF_TESTS)
@pytest.mark.parametrize("name", sorted(PICTURES))
async def test_a_picture_is_what_is_drawn(name: str, size: tuple[int, int]) -> None:
    picture = PICTURES[name]
    svg = await drawn(picture, size)
    NEW.mkdir(parents=True, exist_ok=True)
    new = picture.file(size, NEW)
    new.write_text(svg, encoding="utf-8")
    same(picture.file(size), new)


def same(there: Path, new: Path) -> None:
    """Fail with the lines of text that differ, or remove the new picture."""
    known = there.read_text(encoding="utf-8") if there.exists() else ""
    svg = new.read_text(encoding="utf-8")
    if svg == known:
        new.unlink()
        return
    text = list(
        unified_diff(text_of(known), text_of(svg), "picture", "drawn now", n=0, lineterm="")
    )
    pytest.fail(
        f"{there.relative_to(ROOT)} is not what is drawn now: see {new.relative_to(ROOT)}.\n"
        + ("\n".join(text[2:40]) or "The text is the same: colours or weight differ.")
        + "\nWhere the new one is right, `make pictures` takes it.",
        pytrace=False,
    )


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_the_pictures_in_another_language_are_what_is_drawn(language: str) -> None:
    """By a process of its own, as it has one language from its start to its end."""
    new = NEW / language
    new.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pictures", "--to", str(new)],
        cwd=ROOT / "tests", env=environment({"AMLWIZARD_LANG": language}), check=True,
    )  # fmt: skip
    for name in TRANSLATED:
        picture = PICTURES[name]
        same(picture.file(NARROW, SCREENS / language), picture.file(NARROW, new))


def test_pictures_hold_nothing_of_this_machine() -> None:
    for path in SCREENS.rglob("*.svg"):
        text = path.read_text(encoding="utf-8")
        said = "\n".join(text_of(text))
        assert "/tmp" not in said and str(SCREENS.parent) not in said, path.name
        assert "url(http" not in text and 'url("http' not in text, path.name
        assert "terminal-" not in text, path.name
