"""The pictures in screens/ are what the app draws. Where one differs, the new one is kept beside."""

from __future__ import annotations

from difflib import unified_diff

import pytest
from pictures import PICTURES, SCREENS, SIZES, drawn, pages, runs, text_of

NEW = SCREENS.parent / "build" / "screens"
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
    there, svg = picture.file(size), await drawn(picture, size)
    known = there.read_text(encoding="utf-8") if there.exists() else ""
    if svg == known:
        return
    NEW.mkdir(parents=True, exist_ok=True)
    (NEW / there.name).write_text(svg, encoding="utf-8")
    text = list(
        unified_diff(text_of(known), text_of(svg), "picture", "drawn now", n=0, lineterm="")
    )
    pytest.fail(
        f"screens/{there.name} is not what is drawn now: see build/screens/{there.name}.\n"
        + ("\n".join(text[2:40]) or "The text is the same: colours or weight differ.")
        + "\nWhere the new one is right, `make pictures` takes it.",
        pytrace=False,
    )


def test_pictures_hold_nothing_of_this_machine() -> None:
    for path in SCREENS.glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        said = "\n".join(text_of(text))
        assert "/tmp" not in said and str(SCREENS.parent) not in said, path.name
        assert "url(http" not in text and 'url("http' not in text, path.name
        assert "terminal-" not in text, path.name
