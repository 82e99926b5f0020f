"""From a recipe's file to its sections: strict on the way in.

Refused before anything is built from it: files that are too large, not UTF-8 or hold control
characters (written out or escaped), YAML aliases (a small file could become an endless one), YAML
tags (a recipe has no types of its own), and keys given twice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError

from amlwizard.errors import Finding, InvalidInputError
from amlwizard.recipe.sections import Recipe, Section
from amlwizard.recipe.wording import cut, said, shown

LARGEST = 250_000  # bytes
DEEPEST = 30
COPY_ONE = "One to begin with: amlwizard recipes copy quickstart"
SCALARS = (bool, int, float, date)  # what YAML makes of text that has no quotes
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Reading:
    """What a file came to: the sections that are valid, and every finding about the others.

    `recipe` is there when nothing is wrong with its shape; the rules come after. `raw` is what was
    given, right or not.
    """

    sections: Mapping[str, Section] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    recipe: Recipe | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


def read(path: Path, changes: Mapping[str, str] | None = None) -> Reading:
    """Read a recipe file, with changes laid over it: dotted paths to values, written as YAML.

    Raises InvalidInputError only where there is no file to speak of.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)  # its size says nothing: it may be a pipe
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"The recipe {str(path)!r} cannot be read.",
            why=getattr(error, "strerror", "") or str(error),
            fix=f"Name a recipe file. {COPY_ONE}",
        ) from None
    if len(content) > LARGEST:
        return _refused(
            "too-large",
            f"{path.name} has more than {LARGEST:,} bytes.",
            fix="Recipes are small: is it the right file?",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _refused(
            "encoding",
            f"{path.name} is not UTF-8 text.",
            fix="Save it as UTF-8; if it is no text at all, it is the wrong file.",
        )
    return parse(text, {key: _typed(value) for key, value in (changes or {}).items()}, changes)


def _typed(text: str) -> Any:
    """A value as YAML has it; the text itself where that makes none of it."""
    try:
        return _construct(text)[0]
    except (yaml.YAMLError, RecursionError, UnicodeEncodeError):
        return text


def load(path: Path) -> Recipe:
    """The recipe of a file whose shape is right; InvalidInputError with every finding otherwise."""
    reading = read(path)
    if reading.recipe is None:
        raise InvalidInputError(f"{path.name} is not a valid recipe.", findings=reading.findings)
    return reading.recipe


def parse(
    text: str,
    changes: Mapping[str, Any] | None = None,
    written: Mapping[str, str] | None = None,
) -> Reading:
    """The reading of a recipe's text. `changes` are laid over it: dotted paths to values, `written`
    how these were written."""
    bad = _CONTROL.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        return _refused(
            "control-character", f"The character {bad[0]!r} is not text.", line, "Leave it out."
        )
    try:
        raw, lines, findings, texts = _construct(text)
        if not isinstance(raw, dict):
            what = "The file holds no recipe: " + (
                "it is empty." if raw is None else "it has no sections."
            )
            return _refused("yaml", what, fix=COPY_ONE)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        return _refused(
            "yaml",
            f"Not valid YAML: {problem}.",
            mark.line + 1 if mark else None,
            "Look at that line and the one before it.",
        )
    except RecursionError:
        return _refused(
            "too-deep",
            f"More than {DEEPEST} levels deep.",
            fix="A recipe has sections and their values; nest no further.",
        )
    for path, value in (changes or {}).items():
        _set(raw, path, value)
    reading = examine(raw, lines, findings, {**texts, **(written or {})})
    if not changes:
        return reading
    # The line of the file is not where a changed value stands.
    told = [
        replace(f, line=None) if changes.keys() & set(f.fields) else f for f in reading.findings
    ]
    return replace(reading, findings=tuple(told))


# -- from YAML to values


def _construct(text: str) -> tuple[Any, dict[str, int], list[Finding], dict[str, str]]:
    depth = 0
    for event in yaml.parse(text, _Loader):
        refused = ""
        if isinstance(event, yaml.AliasEvent):
            refused = "aliases (*name) are not allowed in a recipe"
        elif getattr(event, "tag", None):
            refused = "tags (!name) are not allowed in a recipe"
        if refused:
            raise yaml.MarkedYAMLError(problem=refused, problem_mark=cast(Any, event.start_mark))
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
    loader: Any,
    node: Any,
    path: str,
    lines: dict[str, int],
    findings: list[Finding],
    texts: dict[str, str],
) -> Any:
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
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "(not text)"
        inner = f"{path}.{key}" if path else key
        lines[inner] = line = key_node.start_mark.line + 1
        if key in result:
            what = f"{inner} is given twice."
            findings.append(
                Finding("duplicate-key", "error", (inner,), what, fix="Keep one.", line=line)
            )
        result[key] = _value(loader, value_node, inner, lines, findings, texts)
    return result


def _set(raw: dict[str, Any], path: str, value: Any) -> None:
    *sections, last = path.split(".")
    target = raw
    for section in sections:
        inner = target.get(section)
        if not isinstance(inner, dict):
            inner = target[section] = {}
        target = inner
    target[last] = value


# -- from values to sections


def examine(
    raw: Mapping[str, Any],
    lines: Mapping[str, int] | None = None,
    found: Sequence[Finding] = (),
    texts: Mapping[str, str] | None = None,
) -> Reading:
    """The reading of sections given as plain values. The only door of validation: for files, forms
    and prompts alike. `lines` are those of the file, `found` what was wrong before this, `texts` how
    values are written."""
    lines, findings = lines or {}, [*found]
    sections: dict[str, Section] = {}
    for name, info in Recipe.model_fields.items():
        kind = info.annotation
        if not (isinstance(kind, type) and issubclass(kind, Section)):
            continue
        given = raw.get(name)
        if given is None:
            given = {}
        garbled = list(_garbled(name, given, lines))
        findings += garbled
        try:
            section = kind.model_validate(given)
        except ValidationError as error:
            told = _findings(error, kind, name, given, lines, texts or {})
            findings += _of_whole_lists(_beside(garbled, told))
        else:
            if not garbled:
                sections[name] = section
    known = set(Recipe.model_fields)
    findings += [_unknown(key, known, "", lines) for key in raw if key not in known]
    if raw.get("version", 1) != 1 or isinstance(raw.get("version"), bool):
        findings.append(
            Finding(
                "version",
                "error",
                ("version",),
                f"Recipe version {raw['version']!r} is not known here.",
                fix="This amlwizard reads version 1.",
                line=lines.get("version"),
            )
        )
    recipe = None
    if not findings:
        recipe = Recipe.model_validate({"version": 1, **sections})
    return Reading(sections, tuple(findings), recipe, lines, raw)


def _garbled(section: str, given: Any, lines: Mapping[str, int]) -> Iterator[Finding]:
    """Where a value is no text (an escape in a file, or typed) or no number (``.nan``)."""
    left = [(section, given)]
    while left:
        path, value = left.pop()
        if isinstance(value, Mapping):
            left += [(path, key) for key in value]
            left += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, (list, tuple)):
            left += [(f"{path}.{number}", inner) for number, inner in enumerate(value)]
        elif isinstance(value, float) and not isfinite(value):
            line = lines.get(path) or lines.get(section)
            fix = "Give a finite number."
            yield Finding(
                "not-finite", "error", (path,), f"{value} is no number.", fix=fix, line=line
            )
        elif isinstance(value, str) and (bad := _CONTROL.search(value)):
            what = f"{shown(value)} holds the character {bad[0]!r}, which is not text."
            line = lines.get(path) or lines.get(section)
            yield Finding(
                "control-character", "error", (path,), what, fix="Leave it out.", line=line
            )


def _beside(garbled: Sequence[Finding], others: Iterator[Finding]) -> Iterator[Finding]:
    """What is wrong beside what is garbled: one finding per cause."""
    told = [f"{path}." for finding in garbled for path in finding.fields]
    for other in others:
        (path,) = other.fields
        garbled_key = bool(told) and "\ufffd" in path
        if not garbled_key and not any(place.startswith(f"{path}.") for place in told):
            yield other


def _findings(
    error: ValidationError,
    kind: type[BaseModel],
    section: str,
    given: Any,
    lines: Mapping[str, int],
    texts: Mapping[str, str],
) -> Iterator[Finding]:
    seen: set[str] = set()
    for problem in error.errors(include_url=False, include_context=True):
        loc = [str(part) for part in problem["loc"]]
        where = _place(kind, loc)
        path = ".".join([section, *where])
        if problem["type"] == "extra_forbidden":
            if len(loc) > 1:
                what = f"{loc[-1]} is not a key of {'.'.join(where)}."
                yield Finding("unknown-key", "error", (path,), what, line=lines.get(path))
            else:
                yield _unknown(where[-1], set(kind.model_fields), section, lines)
            continue
        if path in seen:
            continue
        seen.add(path)
        line = lines.get(path) or lines.get(section)
        if problem["type"] == "missing":
            title = kind.model_fields[loc[0]].title or loc[0] if loc else section
            what = f"{title} is not given."
            fix = f"Add {loc[-1] if loc else section} under {section}."
            if len(loc) > 1:
                what, fix = f"{'.'.join(where)} has no {loc[-1]}.", f"Add its {loc[-1]}."
            yield Finding("missing", "error", (path,), what, fix=fix, line=line)
            continue
        rule = problem["type"] if "_" not in problem["type"] else "value"
        if problem["type"] == "string_type" and isinstance(problem["input"], SCALARS):
            text = texts.get(path) or str(problem["input"])
            what = f'{cut(text)} must be text: write "{cut(text)}".'
            yield Finding(rule, "error", (path,), what, line=line, cure={path: text})
            continue
        cure = _cure(section, loc, where, given, problem.get("ctx", {}).get("cure"))
        yield Finding(rule, "error", (path,), said(problem), line=line, cure=cure)


def _cure(section: str, loc: list[str], where: list[str], given: Any, value: Any) -> dict[str, Any]:
    """The value that an error knows to be right, as a cure: of an item, its whole list. What is no
    section at all is left out."""
    if value is None:
        return {} if where else {section: None}
    name, *item = where
    if item:
        part = loc[2] if len(loc) > 2 else ""  # of an item that has parts
        value = {**given[name][int(item[0])], part: value} if part else value
        value = [value if str(n) == item[0] else old for n, old in enumerate(given[name])]
    return {f"{section}.{name}": value}


def _of_whole_lists(findings: Iterator[Finding]) -> list[Finding]:
    """The findings, where cures of items of one list each cure all of them: a list is replaced as a
    whole, so that one would undo the other."""
    told = [*findings]
    whole: dict[str, list[Any]] = {}
    for finding in told:
        place, _, number = finding.fields[0].rpartition(".")
        given = finding.cure.get(place)
        if number.isdigit() and isinstance(given, list):
            whole.setdefault(place, [*given])[int(number)] = given[int(number)]
    cures = ({p: whole.get(p, value) for p, value in finding.cure.items()} for finding in told)
    return [replace(finding, cure=cure) for finding, cure in zip(told, cures, strict=True)]


def _place(kind: type[BaseModel], loc: list[str]) -> list[str]:
    """The part of pydantic's location that is a path in the file, without its type tags."""
    if loc and loc[0] not in kind.model_fields:
        return loc[:1]
    return loc[:1] + [part for part in loc[1:2] if part.isdigit()]


def _unknown(key: str, known: set[str], section: str, lines: Mapping[str, int]) -> Finding:
    name = _CONTROL.sub("\ufffd", key)
    path = f"{section}.{name}" if section else name
    near = difflib.get_close_matches(key, known, 1)
    fix = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(known))}."
    return Finding(
        "unknown-key", "error", (path,), f"{path} is not a key of a recipe.",
        fix=fix, line=lines.get(f"{section}.{key}" if section else key), cure={path: None},
    )  # fmt: skip


def _refused(rule: str, what: str, line: int | None = None, fix: str = "") -> Reading:
    return Reading(findings=(Finding(rule, "error", (), what, fix=fix, line=line),))
