"""From a recipe's file to its sections: strict on the way in.

Refused before anything is built from it: files that are too large, not UTF-8 or hold control
characters (written out or escaped), YAML aliases (a small file could become an endless one), YAML
tags (a recipe has no types of its own), and keys given twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import yaml

from amlwizard.command_line import command_line
from amlwizard.errors import Finding, InvalidInputError
from amlwizard.json_types import MutableDocument
from amlwizard.language import _
from amlwizard.nearest import did_you_mean
from amlwizard.recipe.lists import items_at, read_list
from amlwizard.recipe.plain_values import CORE, INT
from amlwizard.recipe.sections import Recipe
from amlwizard.recipe.validation import CONTROL, MOST, Reading, examine

LARGEST = 250_000  # bytes
DEEPEST = 30
Loader: TypeAlias = "yaml.SafeLoader | yaml.CSafeLoader"
COPY_ONE = _(
    "To get one to begin with: `{command}`.",
    command=command_line("recipes", "copy", "quickstart"),
)
if TYPE_CHECKING:
    _Base = yaml.SafeLoader
else:
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """Reads plain values as YAML 1.2 does (its core schema), as editors and JSON schemas do. To YAML
    1.1, which PyYAML speaks, 3:30 is the number 210, 010 is 8, `on` is true, and 2026-01-01 a date.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


def _integer(loader: Loader, node: yaml.ScalarNode) -> int:
    text = str(node.value)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


for _value_form in CORE:
    _Loader.add_implicit_resolver(*_value_form)
_Loader.add_constructor(INT, _integer)


def read(path: Path, changes: Mapping[str, str] | None = None) -> Reading:
    """Read a recipe file, with changes laid over it: dotted paths to values, written as YAML.

    Raises InvalidInputError only where there is no file to speak of.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)  # its size says nothing: it may be a pipe
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            _("The recipe {path!r} cannot be read.", path=str(path)),
            why=getattr(error, "strerror", "") or str(error),
            fix=did_you_mean(
                str(path),
                _beside(path, error),
                _("Name a recipe file. {copy_one}", copy_one=COPY_ONE),
            ),
        ) from None
    if len(content) > LARGEST:
        return _refused(
            "too-large",
            _("{file} has more than {most:,} bytes.", file=path.name, most=LARGEST),
            fix=_("Recipes are small: is it the right file?"),
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _refused(
            "encoding",
            _("{file} is not UTF-8 text.", file=path.name),
            fix=_("Save it as UTF-8; if it is no text at all, it is the wrong file."),
        )
    typed = {key: _typed(key, value) for key, value in (changes or {}).items()}
    return parse(text, typed, changes, path.parent)


def _typed(path: str, text: str) -> object:
    """A value as YAML has it; the text itself where that makes none of it. A list may be written in
    any way that a form takes."""
    try:
        value = _construct(text)[0]
    except (yaml.YAMLError, RecursionError, UnicodeEncodeError):
        value = text
    as_it_is = value is None or (
        isinstance(value, list) and any(isinstance(v, dict) for v in value)
    )
    return value if as_it_is or not items_at(path) else read_list(path, text)


def _beside(path: Path, error: OSError | ValueError) -> list[str]:
    """The recipe files in the folder where a file was not found."""
    found = path.parent.glob("*.yaml") if isinstance(error, FileNotFoundError) else ()
    return [str(file) for file in found]


def load(path: Path) -> Recipe:
    """The recipe of a file whose shape is right; InvalidInputError with every finding otherwise."""
    reading = read(path)
    if reading.recipe is None:
        raise InvalidInputError(
            _("{file} is not a valid recipe.", file=path.name), findings=reading.findings
        )
    return reading.recipe


def parse(
    text: str,
    changes: Mapping[str, object] | None = None,
    written: Mapping[str, str] | None = None,
    folder: Path = Path(),
) -> Reading:
    """The reading of a recipe's text. `changes` are laid over it: dotted paths to values, `written`
    how these were written; `folder` holds the files that it names."""
    bad = CONTROL.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        return _refused(
            "control-character",
            _("The character {character!r} is not text.", character=bad[0]),
            line,
            _("Leave it out."),
        )
    try:
        raw, lines, findings, texts = _construct(text)
        if not isinstance(raw, dict):
            empty = _("The file holds no recipe: it is empty.")
            other = _("The file holds no recipe: it has no sections.")
            return _refused("yaml", empty if raw is None else other, fix=COPY_ONE)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        return _refused(
            "yaml",
            _("Not valid YAML: {problem}.", problem=_(problem)),
            mark.line + 1 if mark else None,
            _("Look at that line and the one before it."),
        )
    except RecursionError:
        return _too_deep()
    if any(path.count(".") > DEEPEST for path in changes or ()):
        return _too_deep()
    for path, value in (changes or {}).items():
        _set(raw, path, value)
    reading = examine(raw, lines, findings, {**texts, **(written or {})}, folder)
    if not changes:
        return reading
    # The line of the file is not where a changed value stands.
    told = [
        replace(f, line=None) if changes.keys() & set(f.fields) else f for f in reading.findings
    ]
    return replace(reading, findings=tuple(told))


def lines_of(text: str) -> Mapping[str, int]:
    """The lines of a recipe's keys and items, by recipe path. Raises yaml.YAMLError."""
    return _construct(text)[1]


# -- from YAML to values


def _construct(text: str) -> tuple[object, dict[str, int], list[Finding], dict[str, str]]:
    depth = 0
    for event in yaml.parse(text, _Loader):
        refused = ""
        if isinstance(event, yaml.AliasEvent):
            refused = _("aliases (*name) are not allowed in a recipe")
        elif getattr(event, "tag", None):
            refused = _("tags (!name) are not allowed in a recipe")
        if refused:
            raise yaml.MarkedYAMLError(problem=refused, problem_mark=event.start_mark)  # type: ignore[arg-type]  # of the C parser
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise RecursionError
    loader = _Loader(text)
    lines: dict[str, int] = {}
    findings: list[Finding] = []
    texts: dict[str, str] = {}
    try:
        node = loader.get_single_node()
        value = _value(loader, node, "", lines, findings, texts) if node is not None else None
    finally:
        loader.dispose()
    return value, lines, findings, texts


def _value(
    loader: Loader,
    node: yaml.Node,
    path: str,
    lines: dict[str, int],
    findings: list[Finding],
    texts: dict[str, str],
) -> object:
    """`texts` gets how each plain value is written: 1.30 is no longer told from 1.3 later."""
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, item, f"{path}.{number}", lines, findings, texts)
            for number, item in enumerate(node.value)
        ]
    if not isinstance(node, yaml.MappingNode):
        texts[path] = node.value
        try:
            return loader.construct_object(node, deep=True)
        except ValueError:
            return node.value
    result: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "(not text)"
        inner = f"{path}.{key}" if path else key
        lines[inner] = line = key_node.start_mark.line + 1
        if key in result and len(findings) < MOST:
            what = _("{key} is given twice.", key=inner)
            findings.append(
                Finding("duplicate-key", "error", (inner,), what, fix=_("Keep one."), line=line)
            )
        result[key] = _value(loader, value_node, inner, lines, findings, texts)
    return result


def _set(raw: MutableDocument, path: str, value: object) -> None:
    *sections, last = path.split(".")
    target = raw
    for section in sections:
        inner = target.get(section)
        if not isinstance(inner, dict):
            inner = target[section] = {}
        target = inner
    target[last] = value


def _too_deep() -> Reading:
    fix = _("A recipe has sections and their values; nest no further.")
    return _refused("too-deep", _("More than {deepest} levels deep.", deepest=DEEPEST), fix=fix)


def _refused(rule: str, what: str, line: int | None = None, fix: str = "") -> Reading:
    return Reading(findings=(Finding(rule, "error", (), what, fix=fix, line=line),))
