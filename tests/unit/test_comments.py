"""Saving a recipe again: its comments stay, and so does what is not right yet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from support import RECIPES

from amlwizard.draft import DraftStore, from_file
from amlwizard.recipe import given, parse, read
from amlwizard.recipe.comments import with_comments
from amlwizard.recipe.file import lines_of
from amlwizard.session import Session

COMMENTED = """\
# Owned by the platform team. # Ask first.
version: 2
names:
  # The prefix of the pilot.
  prefix: abc  # approved in TEAM-1
addresses:
  peered:  # of the hub
    - 10.1.0.0/16  # hub
    # the second one
    - 10.2.0.0/16
training:
  parameters: {alpha: 0.5}  # tuned
  mlflow: "2.22.5"  # '#' in text is "# none"
# the end
"""
OWN = [line[line.index("# ") :].rstrip() for line in COMMENTED.splitlines() if "# " in line]


def saved(text: str, folder: Path, **changes: object) -> str:
    """The file after it was opened, changed and saved."""
    file = folder / "recipe.yaml"
    file.write_text(text)
    session = Session(DraftStore(folder / "drafts"), from_file(file))
    session.put({path.replace("__", "."): value for path, value in changes.items()})
    session.save(file)
    return file.read_text()


def test_every_comment_survives_and_stands_where_it_stood(tmp_path: Path) -> None:
    after = saved(COMMENTED, tmp_path)
    for comment in OWN:
        assert after.count(comment) == 1, comment
    assert "  # The prefix of the pilot.\n  prefix: abc  # approved in TEAM-1\n" in after
    assert after.endswith("# the end\n")
    assert parse(after).recipe == parse(COMMENTED).recipe
    assert saved(after, tmp_path) == after


def test_a_comment_of_what_is_gone_stands_above_what_held_it(tmp_path: Path) -> None:
    after = saved(COMMENTED, tmp_path, addresses__peered=None)
    assert all(comment in after for comment in OWN)


@cache
def raw_of(text: str) -> object:
    return parse(text).raw


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
@examples(data=st.data())
def test_comments_anywhere_never_change_what_a_recipe_says(
    recipe: Path, data: st.DataObject
) -> None:
    text = recipe.read_text()
    said = raw_of(text)
    lines = text.splitlines()
    numbers = data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=6))
    for number in numbers:
        beside = data.draw(st.booleans()) and lines[number] and not lines[number].startswith("#")
        mark = f"# remark {number}."
        lines[number] = f"{lines[number]}  {mark}" if beside else f"{mark}\n{lines[number]}"
    commented = "\n".join(lines) + "\n"
    if parse(commented).raw != said:
        return  # within a text of several lines it is none
    after = with_comments(text, lines_of(text), commented, lines_of(commented))
    assert parse(after).raw == said
    assert all(after.count(f"# remark {number}.") == 1 for number in numbers)
    assert after.replace("\n\n", "\n") if not numbers else True


def test_a_draft_with_errors_is_saved_and_its_file_tells_them_all(tmp_path: Path) -> None:
    text = "names: {prefix: A B}\nserving: {nodes: many}  # soon\nbanana: 3\nversion: 2\n"
    after = saved(text, tmp_path, addresses__vnet="10.0.0.0", training__workers=4)
    reading = read(tmp_path / "recipe.yaml")
    assert reading.raw["banana"] == 3 and given(reading.raw, "names.prefix") == "A B"
    assert given(reading.raw, "training.workers") == 4 and "# soon" in after
    assert {"serving.nodes", "addresses.vnet", "banana"} <= {
        path for finding in reading.findings for path in finding.fields
    }


def test_an_unknown_key_is_renamed_or_removed_by_its_cure(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(
        "names: {prefix: abc}\nbanana: 3\nserving: {node: 5}\nsecruity: {shared_keys: false}\n"
    )
    session = Session(DraftStore(tmp_path / "drafts"), from_file(file))
    for _ in range(3):
        session.put(next(f.cure for f in session.findings if f.rule == "unknown-key"))
    assert not [f for f in session.findings if f.rule == "unknown-key"]
    assert session.draft.value("serving.nodes") == 5
    assert session.draft.value("security.shared_keys") is False
    session.undo()
    assert session.draft.value("banana") == 3 or session.draft.value("secruity") is not None
