"""Recipes that are wrong in any way, through the loader and every judge behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES
from support.hostile import HOSTILE

from amlwizard.draft import DraftStore, from_file
from amlwizard.errors import InvalidInputError
from amlwizard.export import FORMATS
from amlwizard.session import Session
from fuzz.ending import ended, folder
from fuzz.values import changed, odd, paths

Tree = dict[str, Any]
WHOLE: tuple[Tree, ...] = tuple(
    json.loads(json.dumps(yaml.safe_load((RECIPES / f"{name}.yaml").read_text()), default=str))
    for name in ("quickstart", "private", "article")
)
"""The recipes that come with amlwizard, as plain values."""


def as_yaml(tree: Any) -> str:
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def as_json(tree: Any) -> str:
    return json.dumps(tree)  # which YAML reads, with halves of pairs escaped


TRICKS: Mapping[str, Callable[[str, int], str]] = {
    "a mark of byte order": lambda text, at: "\ufeff" + text,
    "line ends of Windows": lambda text, at: text.replace("\n", "\r\n"),
    "line ends of old": lambda text, at: text.replace("\n", "\r"),
    "a NUL": lambda text, at: f"{text[:at]}\0{text[at:]}",
    "an end of input": lambda text, at: text[:at],
    "a line twice": lambda text, at: text[:at] + text[max(0, at - 40) :],
    "an anchor": lambda text, at: text.replace(": ", ": &a ", 1),
    "an alias": lambda text, at: text.replace(": ", ": &a ", 1) + "x: *a\n",
    "a merge": lambda text, at: "x: &x {prefix: a}\n" + text + "y: {<<: *x}\n",
    "a tag": lambda text, at: text.replace(": ", ": !!python/object:os.system ", 1),
    "a tag of no name": lambda text, at: text.replace(": ", ": ! ", 1),
    "a key that is a list": lambda text, at: text + "? [1, 2]\n: 3\n",
    "a key that is a mapping": lambda text, at: text + "? {a: b}\n: 3\n",
    "two documents": lambda text, at: f"{text}---\n{text}",
    "a directive": lambda text, at: f"%YAML 1.1\n%TAG ! x\n---\n{text}",
    "escapes": lambda text, at: f"{text[:at]}{HOSTILE}{text[at:]}",
    "half a pair": lambda text, at: text + 'x: "\\ud800"\n',
    "brackets": lambda text, at: text + "x: " + "[" * 5000,
    "braces": lambda text, at: text + "x: " + "{a: " * 2000,
    "dashes": lambda text, at: text + "x:\n" + "- " * 5000,
    "questions": lambda text, at: text + "? " * 3000,
    "indents": lambda text, at: text + "".join(f"{' ' * n}a:\n" for n in range(300)),
    "a long line": lambda text, at: text + "x: " + "y" * 240_000,
    "many keys": lambda text, at: text + "".join(f"k{n}: 1\n" for n in range(20_000)),
    "one key, many times": lambda text, at: text + "names: {}\n" * 5_000,
    "too much": lambda text, at: text + "#" * 1_000_000,
}


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """The bytes of a recipe, right or not."""
    tree = draw(st.sampled_from(WHOLE) | st.sampled_from(WHOLE).flatmap(changed))
    try:
        text = draw(st.sampled_from((as_yaml, as_json)))(tree)
    except (yaml.YAMLError, ValueError):  # what it cannot say
        text = as_json(tree)
    if not draw(st.integers(0, 2)):
        at = draw(st.integers(0, len(text)))
        text = draw(st.sampled_from([*TRICKS.values()]))(text, at)
    encoding = draw(st.sampled_from(("utf-8",) * 8 + ("utf-16", "utf-8-sig")))
    content: bytes = text.encode(encoding, "surrogatepass")
    at = draw(st.integers(0, len(content)))
    return content if draw(st.integers(0, 9)) else content[:at] + draw(st.binary()) + content[at:]


@st.composite
def settings_(draw: st.DrawFn) -> list[str]:
    """Values of ``--set``."""
    path = ".".join(map(str, draw(st.sampled_from(paths(draw(st.sampled_from(WHOLE)))))))
    odd_path = st.sampled_from((f"{path}.x", f"x.{path}", "", ".", "a" * 9000, "a." * 3000 + "a"))
    path = draw(st.just(path) | odd_path | st.text())
    value = draw(odd())
    text = value if isinstance(value, str) else as_json(value)
    between = draw(st.sampled_from(("=", "=", "=", "", " = ", ":", "==")))
    return [f"--set={path}{between}{text}".replace("\0", "")]  # no argument can hold it


def judged(recipe: Path, *options: str) -> int:
    """By every command that asks no cloud, which must agree; the exit code."""
    code = ended("check", str(recipe), *options).code
    report = ended("check", str(recipe), "--json", *options)
    assert report.code == code and code in (0, 2)
    assert ended("plan", str(recipe), *options).code == code
    for way in FORMATS if code == 0 else ():
        assert ended("export", str(recipe), "--to", way, *options).code in (0, 2)
    if code == 0:
        json.loads(ended("plan", str(recipe), "--json", *options).out)
    return code


@given(written())
def any_recipe(content: bytes) -> None:
    with folder() as home:
        recipe = home / "recipe.yaml"
        recipe.write_bytes(content)
        code = judged(recipe)
        try:
            session = Session(DraftStore(home), from_file(recipe))
        except InvalidInputError:
            assert code == 2
            return
        session.dirty = True
        session.keep()
        assert session.store.unfinished()


@given(settings_(), settings_())
def any_setting(one: list[str], other: list[str]) -> None:
    with folder():
        judged(RECIPES / "quickstart.yaml", *one, *other)
